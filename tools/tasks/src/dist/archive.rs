//! Archives with the same bytes each time: sorted, owned by root, and without times of their own.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
}

impl Entry {
    pub(super) fn file(path: &str, content: Vec<u8>) -> Self {
        Self { path: path.to_owned(), content, mode: 0o644 }
    }

    pub(super) fn program(path: &str, content: Vec<u8>) -> Self {
        Self { mode: 0o755, ..Self::file(path, content) }
    }
}

/// The files in one top folder, as `.tar.gz`.
pub(super) fn tar_gz(top: &str, mut entries: Vec<Entry>, time: u64, level: Compression) -> Result<Vec<u8>> {
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let mut archive = tar::Builder::new(GzBuilder::new().write(Vec::new(), level));
    for Entry { path, content, mode } in &entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len().try_into()?);
        archive.append_data(&mut header, format!("{top}/{path}"), content.as_slice()).context("archive")?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// The text as `.gz`.
pub(super) fn gz(content: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::best());
    writer.write_all(content)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_order_of_the_files_does_not_matter_and_all_owners_and_times_are_fixed() {
        let files = [Entry::program("b", vec![2; 9]), Entry::file("a/c", vec![1])];
        let pack = |files| tar_gz("top", files, 7, Compression::fast()).unwrap();
        let archive = pack(files.to_vec());
        assert_eq!(archive, pack(files.into_iter().rev().collect()));

        let mut archive = tar::Archive::new(GzDecoder::new(archive.as_slice()));
        let seen = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let owner = header.uid().unwrap() + header.gid().unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            (path, header.mode().unwrap(), header.mtime().unwrap(), owner)
        });
        let expected = [("top/a/c".to_owned(), 0o644, 7, 0), ("top/b".to_owned(), 0o755, 7, 0)];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_compressed_text_is_read_back() {
        let mut text = String::new();
        GzDecoder::new(gz(b"text").unwrap().as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
    }
}
