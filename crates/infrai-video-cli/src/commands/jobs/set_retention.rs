use infrai_video::RetentionDays;

use super::job_id;
use crate::args::RetentionArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::text::count;

pub(crate) async fn run(ctx: &Context, args: &RetentionArgs) -> Result<(), Failure> {
    let id = job_id(ctx, &args.id)?;
    let days = u32::try_from(args.days).ok().and_then(|days| RetentionDays::try_from(days).ok());
    let days = days.ok_or_else(|| {
        let message = format!("--days must be a whole number from 1 to 90, not {}", args.days);
        Failure::new(Exit::Refused, message).next(ctx.invocation.help())
    })?;
    let session = ctx.connect().await?;
    let failed = |error| Failure::of_job_call(&ctx.invocation, id.as_str(), &error);
    let retention = session.client.set_retention(&id, days).await.map_err(failed)?;
    if ctx.output.json {
        return ctx.output.json(&*retention);
    }
    let days = retention.retention_days.unwrap_or(days.get());
    let until = retention.expires_at.map(|at| at.to_string());
    let shown = until.as_deref().map(|at| format!(", until {at}")).unwrap_or_default();
    ctx.output.status("kept", &format!("the clip of job {id}, for {}{shown}", count(days as usize, "day")));
    match ctx.output.quiet {
        true => ctx.output.line(id.as_str()),
        false => ctx.output.row(&[id.as_str(), &days.to_string(), until.as_deref().unwrap_or_default()]),
    }
}
