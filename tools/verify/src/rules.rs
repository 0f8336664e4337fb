//! The rules of the contract's prose that a request can test.

/// A rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in reports and evidence.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    /// A part of one line of `video.yaml` that states it.
    pub quote: &'static str,
}

macro_rules! rules {
    ($($constant:ident $name:literal $says:literal $quote:literal)*) => {
        $(
            #[doc = $says]
            pub(crate) const $constant: &Rule = &Rule { name: $name, says: $says, quote: $quote };
        )*
        /// All rules.
        pub const RULES: &[&Rule] = &[$($constant),*];
    };
}

rules! {
    BEARER "bearer" "A request with the API key as a bearer token is accepted."
        "Send a project API key as a bearer token"
    UNAUTHORIZED "unauthorized" "A request with a missing or malformed API key is rejected with 401."
        "The API key is missing, malformed or unknown."
    ENVELOPE "envelope" "Every response is a JSON object with `ok`."
        "Every response, success or error, is a JSON object with"
    CONTENT_TYPE "content_type" "Every response has the content type application/json."
        "application/json:"
    OK "ok" "`ok` is true if and only if the request succeeded."
        "On success `ok` is true and `data` contains the result."
    SUCCESS_STATUS "success_status" "A request that succeeds has the status 200."
        "'200':"
    ERROR_CODES "error_codes" "`error.code` is a word in UPPER_SNAKE case."
        "`error.code` is an open vocabulary in UPPER_SNAKE case"
    UNKNOWN_JOB "unknown_job" "A request for a job that does not exist is rejected with 404."
        "The account has no job with this id."
    MALFORMED_ID "malformed_id" "An id that no job can have is rejected with 400 or 404."
        "The request could not be read. Correct it before you send it again."
    REPLAY "replay" "A request that is repeated with its idempotency key and body returns the same result."
        "same body returns the same result and is not charged again"
    OTHER_BODY "other_body" "An idempotency key with another body changes nothing: the first result again, 409 or 422."
        "and another body changes nothing"
    REPLAYED_WRITE "replayed_write" "A change that is repeated with its idempotency key returns the same response."
        "same idempotency key returns the same response"
    INVALID_GENERATE "invalid_generate" "A request for a clip without a prompt is rejected with 422, and nothing is charged."
        "A value is out of range, or no vendor can generate the requested clip."
    INVALID_JSON "invalid_json" "A body that is not JSON is rejected with 400."
        "#/components/responses/BadRequest"
    MEDIA_TYPE "media_type" "A body with another content type than JSON is rejected with 415."
        "The content type of the body is not JSON."
    PAGE_LIMIT "page_limit" "A page has at most `limit` jobs, and no upper bound of `limit` is known: 100 is honoured."
        "No upper bound is known"
    INVALID_PAGE "invalid_page" "A `limit` below 1 and an invalid `cursor` are rejected with 400."
        "The `cursor` or `limit` is not valid."
    LAST_PAGE "last_page" "On the last page `next_cursor` is absent, null or empty."
        "On the last page `next_cursor` is absent"
    CURSORS "cursors" "Each cursor leads to another page: no cursor is returned twice."
        "A server must not return the same cursor twice."
    ORDER "order" "The list begins with the newest job. Only the sandbox promises that."
        "the sandbox lists the newest jobs first"
    CANCEL "cancel" "A job that is not final can be cancelled, and is `cancelled` afterwards."
        "Cancels a queued or running job."
    CANCEL_BODY "cancel_body" "The body of a cancellation can be omitted."
        "Repeats the id of the job. The body can be omitted."
    CANCEL_FINAL "cancel_final" "The cancellation of a final job is rejected with 409."
        "If the job is already in a final state, the response is 409"
    NO_CLIP "no_clip" "A request for a link to the clip of a job that has none is rejected with 409."
        "The job has no clip, or its clip is not ready yet."
    LINKS "links" "A job that has succeeded has its links."
        "Returns the short form of the job, with its links once it has succeeded."
    LINK_AUTHORIZATION "link_authorization" "A link works without the API key."
        "It contains its own authorization"
    LINK_EXPIRY "link_expiry" "The expiry of a new link lies in the future, and is in UTC."
        "When the link expires, in UTC."
    RETENTION "retention" "A retention of 7 days is accepted and returned, one of 0 or 91 days is rejected with 422."
        "How many days to keep the clip, an integer from 1 to 90."
    REPEATED_ID "repeated_id" "A `job_id` in the body that differs from the id in the path is rejected with 422."
        "differs from the id in the path."
    RANGES "ranges" "A link serves an MP4 and parts of it, with `Range` and `If-Range`. The contract does not promise it; downloads that resume rely on it."
        "The link contains its own authorization: download the clip"
    DELETED "deleted" "A request for a deleted job is rejected with 404."
        "Permanently deletes the job"
    DELETED_AGAIN "deleted_again" "The deletion of a deleted job succeeds."
        "deleting a job that is already deleted succeeds"
}
