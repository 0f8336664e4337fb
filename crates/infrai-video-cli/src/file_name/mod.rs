//! Names of clips that are made from fields, such as `{date}-{slug}.mp4`, and are valid on every file system.

mod safe;
mod template;
mod values;

use std::path::{Path, PathBuf};

use infrai_video::JobId;

pub(crate) use self::safe::is_device;
pub(crate) use self::template::{Field, Template, Use};
pub(crate) use self::values::Values;

/// An id of the usual length, in place of one that is not known yet.
pub(crate) const USUAL_ID: &str = "vj_00000000000000000000000000";

/// The file name of a job's clip in a directory. A job whose id cannot be part of a path has no clip that could be saved.
pub(crate) fn clip_name(job_id: &str) -> String {
    job_id.parse::<JobId>().map_or_else(|_| "clip.mp4".to_owned(), |id| id.clip_name())
}

/// The path of a job's clip, where the name of the file still has the field `{id}`.
pub(crate) fn with_id(pattern: &Path, job_id: &str) -> PathBuf {
    // The pattern was made from a valid template, so that only a name of a newer version is not one. Only an unusually long id makes
    // the name too long.
    let name = name_with_id(pattern, job_id).filter(|name| name.as_os_str().len() <= safe::MAX_NAME);
    pattern.with_file_name(name.unwrap_or_else(|| clip_name(job_id).into()))
}

/// Rejects a name that is too long with an id of the usual length.
pub(crate) fn check_length(pattern: &Path) -> Result<(), String> {
    let length = name_with_id(pattern, USUAL_ID).map_or(0, |name| name.as_os_str().len());
    match length > safe::MAX_NAME {
        true => {
            Err(format!("the name of the file would have {length} bytes; it can have {}", safe::MAX_NAME))
        }
        false => Ok(()),
    }
}

fn name_with_id(pattern: &Path, job_id: &str) -> Option<PathBuf> {
    let template = Template::parse(pattern.file_name()?.to_str()?, Use::Ledger).ok()?;
    Some(template.render(&Values::default().with_id(Some(job_id))))
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
