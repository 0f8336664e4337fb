//! Names of clips that are made from fields, such as `{date}-{slug}.mp4`, and are valid on every file system.

mod safe;
mod template;
mod values;

use std::path::{Path, PathBuf};

use infrai_video::JobId;

pub(crate) use self::safe::is_device;
pub(crate) use self::template::{Field, Template, Use};
pub(crate) use self::values::Values;

/// The file name of a job's clip in a directory. A job whose id cannot be part of a path has no clip that could be saved.
pub(crate) fn clip_name(job_id: &str) -> String {
    job_id.parse::<JobId>().map_or_else(|_| "clip.mp4".to_owned(), |id| id.clip_name())
}

/// The path of a job's clip, where the name of the file still has the field `{id}`.
pub(crate) fn with_id(pattern: &Path, job_id: &str) -> PathBuf {
    let in_directory = |name: String| pattern.with_file_name(name);
    let template = pattern.file_name().and_then(|name| Template::parse(name.to_str()?, Use::Ledger).ok());
    // The pattern was made from a valid template, so that only a name of a newer version is not one.
    let Some(template) = template else { return in_directory(clip_name(job_id)) };
    let name = template.render(&Values::default().with_id(Some(job_id)));
    match name.as_os_str().len() > safe::MAX_NAME {
        true => in_directory(clip_name(job_id)),
        false => pattern.with_file_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_filled_in_later() {
        let of = |pattern: &str, id: &str| with_id(Path::new(pattern), id).display().to_string();
        assert_eq!(of("/a {id}/x-{id}.mp4", "vj_1"), "/a {id}/x-vj_1.mp4");
        assert_eq!(of("/a/{{x}}-{id}.mp4", "vj_1"), "/a/{x}-vj_1.mp4");
        assert_eq!(of("/a/{id}.mp4", "../b:c"), "/a/%2E.%2Fb-c.mp4");
        let long = "x".repeat(2000);
        let name = of("/a/some-words-{id}.mp4", &long);
        assert!(name.len() < 250 && name.ends_with(".mp4"), "{name}");
        assert_ne!(name, of("/a/some-words-{id}.mp4", &(long + "y")));
        let fits = of(&format!("/a/{}-{{id}}.mp4", "w".repeat(240)), "vj_1");
        assert_eq!(fits, "/a/vj_1.mp4", "a name that would be too long is that of the job");
    }
}
