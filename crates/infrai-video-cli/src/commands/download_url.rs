use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::failure_line::Facts;

pub(super) async fn run(app: &App, id: &str) -> Result<(), Failure> {
    let id = app.id(id)?;
    let session = app.session().await?;
    let link = session.client.download_url(&id).await.map_err(|error| app.failed_on(id.as_str(), &error))?;
    if app.screen.json {
        return app.screen.json(&*link);
    }
    let Some(url) = &link.url else {
        return Err(Failure::new(Exit::Download, format!("the service gave no link for job {id}"))
            .instead(app.about_job("status", id.as_str()))
            .with_facts(Facts::of_job(id.as_str())));
    };
    if let Some(expires_at) = link.expires_at {
        app.screen.say("link", &format!("works until {expires_at}, for whoever has it"));
    }
    app.screen.line(url)
}
