//! Job ids as responses show them, and as requests send them.

use serde_json::{Value, json};

use super::{Quirk, Quirks};
use crate::app_state::AppState;

/// The start of ids with a slash.
const FOLDER: &str = "jobs/";

/// The id of the job in the path of a request, where the path shows it in another form. It is an extension of the request.
#[derive(Clone, Debug)]
pub(crate) struct RealId(pub(crate) String);

/// Whether ids have another form.
pub(super) fn are_changed(quirks: Quirks) -> bool {
    quirks.has_any(&[Quirk::IntegerIds, Quirk::EscapedIds])
}

/// An id as responses show it.
pub(super) fn shown(app: &AppState, quirks: Quirks, id: &str) -> Value {
    match app.store.number_charged(id).filter(|_| quirks.has(Quirk::IntegerIds)) {
        Some(number) => json!(number),
        None if quirks.has(Quirk::EscapedIds) => json!(format!("{FOLDER}{id}")),
        None => json!(id),
    }
}

/// The id that an account's request means. Ids in another form than the shown one do not exist.
pub(super) fn real(app: &AppState, quirks: Quirks, account: &str, id: &str) -> Option<String> {
    if quirks.has(Quirk::IntegerIds) {
        return id.parse().ok().and_then(|number| app.store.id_charged(account, number));
    }
    match id.strip_prefix(FOLDER) {
        Some(id) if quirks.has(Quirk::EscapedIds) => Some(id.to_owned()),
        _ => (!quirks.has(Quirk::EscapedIds)).then(|| id.to_owned()),
    }
}

/// The id that the last segment of a path means.
pub(crate) fn in_path(app: &AppState, quirks: Quirks, account: &str, segment: &str) -> Option<String> {
    real(app, quirks, account, &segment.replace("%2F", "/").replace("%2f", "/"))
}
