use super::job_id;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::{Facts, Failure, advice};

pub(crate) async fn run(ctx: &Context, id: &str) -> Result<(), Failure> {
    let id = job_id(ctx, id)?;
    let session = ctx.connect().await?;
    let failed = |error| Failure::of_job_call(&ctx.invocation, id.as_str(), &error);
    let link = session.client.download_url(&id).await.map_err(failed)?;
    if ctx.output.json {
        return ctx.output.json(&*link);
    }
    let Some(url) = &link.url else {
        return Err(Failure::new(Exit::Download, format!("the service returned no link for job {id}"))
            .with_next(advice::on_job(&ctx.invocation, "status", id.as_str()))
            .with_facts(Facts::of_job(id.as_str())));
    };
    if let Some(expires_at) = link.expires_at {
        ctx.output.status("link", &format!("valid until {expires_at}, for anyone who has it"));
    }
    ctx.output.line(url)
}
