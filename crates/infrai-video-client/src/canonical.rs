use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// Writes `body` as the contract asks: keys sorted, no spaces, one newline at the end, UTF-8.
///
/// The same value always gives the same bytes, so a body can be stored and sent again as it was.
///
/// # Errors
///
/// Fails where `body` has no JSON form, such as a map whose keys are no strings.
///
/// ```
/// let body = serde_json::json!({"prompt": "a city", "duration_seconds": 5});
/// assert_eq!(infrai_video_client::canonical_json(&body)?, "{\"duration_seconds\":5,\"prompt\":\"a city\"}\n");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn canonical_json(body: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    written(serde_json::to_value(body)?)
}

fn written(mut body: Value) -> Result<Bytes, serde_json::Error> {
    // They are sorted already unless somebody else in the program asks `serde_json` to keep the order.
    body.sort_all_objects();
    let mut text = serde_json::to_vec(&body)?;
    text.push(b'\n');
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth_whatever_order_serde_json_keeps() {
        let body: Value =
            serde_json::from_str(r#"{"b": [{"d": 1.50, "c": {"f": "ü", "e": null}}], "a": 2}"#).unwrap();
        let text = canonical_json(&body).unwrap();
        assert_eq!(text, "{\"a\":2,\"b\":[{\"c\":{\"e\":null,\"f\":\"ü\"},\"d\":1.5}]}\n");
    }
}
