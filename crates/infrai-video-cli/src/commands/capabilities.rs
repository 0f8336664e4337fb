use infrai_video::types::VendorCapabilities;

use crate::context::Context;
use crate::failure::Failure;
use crate::ui::Table;

const HEADINGS: &[&str] = &["VENDOR", "RESOLUTIONS", "MAX SECONDS", "MODELS", "EXTEND", "UPSCALE"];
/// The index of the column that is narrowed on a narrow terminal.
const MODELS: usize = 3;

pub(super) async fn run(ctx: &Context) -> Result<(), Failure> {
    let session = ctx.connect().await?;
    let capabilities =
        session.client.capabilities().await.map_err(|error| Failure::of_call(&ctx.invocation, &error))?;
    if ctx.output.json {
        return ctx.output.json(&*capabilities);
    }
    let vendors = capabilities.vendors.as_deref().unwrap_or_default();
    if ctx.output.quiet {
        return vendors
            .iter()
            .filter_map(|vendor| vendor.vendor.as_deref())
            .try_for_each(|name| ctx.output.line(name));
    }
    if vendors.is_empty() {
        ctx.output.status("note", "the service lists no vendors");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = vendors.iter().map(row).collect();
    ctx.output.table(&Table::new(HEADINGS, rows, MODELS))
}

/// Unknown values are question marks.
fn row(vendor: &VendorCapabilities) -> Vec<String> {
    let unknown = || "?".to_owned();
    let yes_or_no =
        |value: Option<bool>| value.map_or_else(unknown, |yes| if yes { "yes" } else { "no" }.to_owned());
    vec![
        vendor.vendor.clone().unwrap_or_else(unknown),
        vendor.resolutions.as_ref().map_or_else(unknown, |sizes| {
            sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }),
        vendor.max_duration_seconds.map_or_else(unknown, |seconds| seconds.to_string()),
        vendor.models.as_ref().map_or_else(unknown, |models| models.join(", ")),
        yes_or_no(vendor.supports_extend),
        yes_or_no(vendor.supports_upscale),
    ]
}
