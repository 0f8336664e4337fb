//! Reads the body of each case in CASES with its generated type, encodes it again, and writes the results to READ.

use openapi::models;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(std::env::var("CASES")?)?)?;
    let mut written = Vec::new();
    for case in cases {
        let body = case["body"].clone();
        macro_rules! read {
            ($($schema:ident)*) => {
                match case["schema"].as_str() {
                    $(Some(stringify!($schema)) => serde_json::to_value(serde_json::from_value::<models::$schema>(body)?)?,)*
                    schema => return Err(format!("{schema:?} is not known here; add it").into()),
                }
            };
        }
        written.push(read!(
            AcknowledgementEnvelope DeleteAllResultEnvelope DownloadLinkEnvelope ErrorEnvelope RetentionEnvelope
            VideoCapabilitiesEnvelope VideoJobDetailEnvelope VideoJobEnvelope VideoJobPageEnvelope
        ));
    }
    Ok(std::fs::write(std::env::var("READ")?, serde_json::to_vec(&serde_json::json!({ "openapi-generator": written }))?)?)
}
