use infrai_video::types::VendorCapabilities;

use crate::app::App;
use crate::failure::Failure;
use crate::table::{First, Table};

const HEADINGS: &[&str] = &["VENDOR", "RESOLUTIONS", "MAX SECONDS", "MODELS", "EXTEND", "UPSCALE"];
const MODELS: usize = 3;

pub(super) async fn run(app: &App) -> Result<(), Failure> {
    let session = app.session().await?;
    let capabilities = session.client.capabilities().await.map_err(|error| app.failed(&error))?;
    if app.screen.json {
        return app.screen.json(&*capabilities);
    }
    let vendors = capabilities.vendors.as_deref().unwrap_or_default();
    if app.screen.quiet {
        return vendors
            .iter()
            .filter_map(|vendor| vendor.vendor.as_deref())
            .try_for_each(|name| app.screen.line(name));
    }
    if vendors.is_empty() {
        app.screen.say("note", "the service lists no vendors");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = vendors.iter().map(row).collect();
    app.screen.table(&Table { headings: HEADINGS, rows: &rows, give: MODELS, first: First::Yes })
}

/// What is not known is a question mark.
fn row(vendor: &VendorCapabilities) -> Vec<String> {
    let unknown = || "?".to_owned();
    let yes_or_no =
        |answer: Option<bool>| answer.map_or_else(unknown, |yes| if yes { "yes" } else { "no" }.to_owned());
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
