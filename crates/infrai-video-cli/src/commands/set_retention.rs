use infrai_video::RetentionDays;

use crate::app::App;
use crate::args::RetentionArgs;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) async fn run(app: &App, args: &RetentionArgs) -> Result<(), Failure> {
    let id = app.id(&args.id)?;
    let days = days(args.days).map_err(|message| Failure::new(Exit::Refused, message).next(app.help()))?;
    let session = app.session().await?;
    let kept =
        session.client.set_retention(&id, days).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    if app.screen.json {
        return app.screen.json(&*kept);
    }
    let days = kept.retention_days.unwrap_or(days.get());
    let until = kept.expires_at.map(|at| at.to_string());
    let shown = until.as_deref().map(|at| format!(", until {at}")).unwrap_or_default();
    let plural = if days == 1 { "" } else { "s" };
    app.screen.say("kept", &format!("the clip of job {id}, for {days} day{plural}{shown}"));
    match app.screen.quiet {
        true => app.screen.line(id.as_str()),
        false => app.screen.row(&[id.as_str(), &days.to_string(), until.as_deref().unwrap_or_default()]),
    }
}

fn days(days: i64) -> Result<RetentionDays, String> {
    let wrong = || format!("`--days` must be a whole number from 1 to 90, not {days}");
    u32::try_from(days).ok().and_then(|days| RetentionDays::try_from(days).ok()).ok_or_else(wrong)
}
