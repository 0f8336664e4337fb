use async_openai::Client;
use async_openai::types::videos::CreateVideoRequestArgs;

#[tokio::main(flavor = "current_thread")]
#[allow(deprecated)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = CreateVideoRequestArgs::default().model("sora-2").prompt("a city at dusk").build()?;
    let video = Client::new().videos().create(request).await?;
    println!("{}", video.id);
    Ok(())
}
