//! Names of clips from templates, and what happens after a clip is saved.

mod after_save;
mod batch_templates;
mod templates;
