//! Names of clips from templates, and what happens after a clip is saved.

mod batch_templates;
mod templates;
