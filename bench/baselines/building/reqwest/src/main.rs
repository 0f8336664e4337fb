use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (base_url, key) = (std::env::var("INFRAI_BASE_URL")?, std::env::var("INFRAI_API_KEY")?);
    let url = format!("{base_url}/v1/video/generate");
    let request =
        reqwest::Client::new().post(url).bearer_auth(key).json(&json!({"prompt": "a city at dusk"}));
    let job: Value = request.send().await?.error_for_status()?.json().await?;
    println!("{}", job["data"]["job_id"].as_str().ok_or("the response has no job_id")?);
    Ok(())
}
