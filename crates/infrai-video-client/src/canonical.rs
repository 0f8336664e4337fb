use bytes::Bytes;
use serde::Serialize;

/// Serializes `body` in the contract's canonical form: sorted keys, no spaces, a final newline, UTF-8.
///
/// The same value always gives the same bytes, so a body can be stored and sent again unchanged.
///
/// # Errors
///
/// If `body` cannot be serialized, such as a map whose keys are not strings.
///
/// ```
/// let body = serde_json::json!({"prompt": "a city", "duration_seconds": 5});
/// assert_eq!(infrai_video_client::canonical_json(&body)?, "{\"duration_seconds\":5,\"prompt\":\"a city\"}\n");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn canonical_json(body: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut body = serde_json::to_value(body)?;
    // Already sorted, unless another crate enables `preserve_order` of serde_json.
    body.sort_all_objects();
    let mut text = serde_json::to_vec(&body)?;
    text.push(b'\n');
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let body: serde_json::Value =
            serde_json::from_str(r#"{"b": [{"d": 1.50, "c": {"f": "ü", "e": null}}], "a": 2}"#).unwrap();
        let text = canonical_json(&body).unwrap();
        assert_eq!(text, "{\"a\":2,\"b\":[{\"c\":{\"e\":null,\"f\":\"ü\"},\"d\":1.5}]}\n");
    }
}
