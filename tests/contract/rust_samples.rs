//! The Rust samples of the document, between "sample" and "end", compile and run.
#![expect(clippy::print_stdout, reason = "samples print their results")]

use contract_tests::{KEY, quick_sandbox};
use infrai_video::{Client, Error};
use infrai_video_sandbox::Sandbox;

fn connect(base_url: &str, api_key: &str) -> Result<Client, Error> {
    // sample: client
    let client = infrai_video::Client::builder(api_key).with_base_url(base_url).build()?;
    // end
    Ok(client)
}

async fn generate(client: &Client) -> Result<String, Error> {
    // sample: video_generate
    let clip = client.generate("a timelapse of a city skyline at dusk").duration_seconds(5.0);
    let job = clip.resolution(infrai_video::Resolution::P1080).submit().await?;
    println!("{}", job.id());
    // end
    Ok(job.id().to_string())
}

async fn status(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_status
    let job = client.status(job_id).await?;
    println!("{}", job.state);
    // end
    Ok(())
}

async fn cancel(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_cancel
    let response = client.cancel(job_id).await?;
    println!("{:?}", response.ok);
    // end
    Ok(())
}

async fn get(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_get
    let job = client.get(job_id).await?;
    println!("{:?} {:?}", job.duration_seconds, job.resolution);
    // end
    Ok(())
}

async fn list(client: &Client) -> Result<usize, Error> {
    let mut seen = 0;
    // sample: video_list
    use futures_util::TryStreamExt as _;

    let mut jobs = client.list().limit(2).items();
    while let Some(job) = jobs.try_next().await? {
        println!("{} {}", job.job_id, job.state);
        // skip
        seen += 1;
        // unskip
    }
    // end
    Ok(seen)
}

async fn delete(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_delete
    let response = client.delete(job_id).await?;
    println!("{:?}", response.ok);
    // end
    Ok(())
}

async fn delete_all(client: &Client) -> Result<Option<u64>, Error> {
    // sample: video_delete_all
    let response = client.delete_all().await?;
    println!("{:?}", response.deleted);
    // end
    Ok(response.deleted)
}

async fn download_url(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_download_url
    let link = client.download_url(job_id).await?;
    println!("{:?} {:?}", link.url, link.expires_at);
    // end
    Ok(())
}

async fn set_retention(client: &Client, job_id: &str) -> Result<(), Error> {
    // sample: video_set_retention
    let days = infrai_video::RetentionDays::try_from(30)?;
    let retention = client.set_retention(job_id, days).await?;
    println!("{:?}", retention.expires_at);
    // end
    Ok(())
}

async fn capabilities(client: &Client) -> Result<(), Error> {
    // sample: video_capabilities
    let capabilities = client.capabilities().await?;
    for vendor in capabilities.vendors.iter().flatten() {
        println!("{:?} {:?}", vendor.vendor, vendor.resolutions);
    }
    // end
    Ok(())
}

#[tokio::test]
async fn every_rust_sample_runs_and_succeeds() {
    let sandbox = quick_sandbox().start().await.unwrap();
    let client = connect(sandbox.base_url(), KEY).unwrap();
    capabilities(&client).await.unwrap();
    let job = generate(&client).await.unwrap();
    status(&client, &job).await.unwrap();
    get(&client, &job).await.unwrap();
    download_url(&client, &job).await.unwrap();
    set_retention(&client, &job).await.unwrap();
    delete(&client, &job).await.unwrap();
    for _ in 0..3 {
        generate(&client).await.unwrap();
    }
    assert_eq!(list(&client).await.unwrap(), 3);
    assert_eq!(delete_all(&client).await.unwrap(), Some(3));
}

#[tokio::test]
async fn the_rust_sample_that_cancels_runs_where_a_job_is_not_done() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let client = connect(sandbox.base_url(), KEY).unwrap();
    let job = generate(&client).await.unwrap();
    cancel(&client, &job).await.unwrap();
}

#[test]
fn the_samples_in_the_document_are_those_that_run() {
    let root = contract_tests::root();
    let document = std::fs::read_to_string(root.join(openapi_tools::DOCUMENT)).unwrap();
    let wanted = openapi_tools::samples::document(&root).unwrap();
    assert!(document == wanted, "the samples are not current; run `cargo xtask regen` and commit the result");
}
