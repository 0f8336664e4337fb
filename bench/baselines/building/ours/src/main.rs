use infrai_video::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let job = Client::from_env()?.generate("a city at dusk").submit().await?;
    println!("{}", job.id());
    Ok(())
}
