use client::apis::{configuration::Configuration, jobs_api::video_generate};
use client::models::GenerateRequest;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (base_path, key) = (std::env::var("INFRAI_BASE_URL")?, std::env::var("INFRAI_API_KEY")?);
    let configuration = Configuration { base_path, bearer_access_token: Some(key), ..Configuration::default() };
    let job = video_generate(&configuration, GenerateRequest::new("a city at dusk".into()), Some("key")).await?;
    println!("{}", job.data.job_id);
    Ok(())
}
