//! The Debian package, made by dpkg-deb.

use std::fs;
use std::path::Path;

use anyhow::Result;
use external_tools::Process;

use super::archive::{Entry, gz};
use super::{Contents, File, NAME, read};

/// The package, or none if there is no Debian for the target.
pub(super) fn package(contents: &Contents<'_>) -> Result<Option<File>> {
    let Some(architecture) = contents.target.debian() else { return Ok(None) };
    let directory = contents.binary.path.with_file_name("debian");
    let tree = directory.join("tree");
    let _ = fs::remove_dir_all(&directory);
    let files = files(contents)?;
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    for file in
        files.iter().chain([&Entry::file("DEBIAN/control", control(contents, architecture, bytes).into())])
    {
        write(&tree, file)?;
    }
    let name = format!("{NAME}_{}_{architecture}.deb", contents.version.replace('-', "~"));
    // xz is small, and slow without several threads, whose number would change the bytes.
    let compression = if contents.small { "-Zxz" } else { "-Zgzip -z1" };
    Process::new("dpkg-deb", &directory)
        .args("--root-owner-group")
        .args(compression)
        .args("--build tree")
        .arg(&name)
        .env("SOURCE_DATE_EPOCH", contents.time.to_string())
        .env("DPKG_DEB_THREADS_MAX", "1")
        .run()?;
    Ok(Some(File { content: read(&directory.join(&name))?, name }))
}

fn files(contents: &Contents<'_>) -> Result<Vec<Entry>> {
    let mut files = vec![Entry::program("usr/bin/infrai-video", contents.binary.content.clone())];
    let documents = contents.documents;
    for completion in &documents.completions {
        let (directory, name) = match completion.name.as_str() {
            "infrai-video.bash" => ("usr/share/bash-completion/completions", NAME),
            "infrai-video.fish" => ("usr/share/fish/vendor_completions.d", "infrai-video.fish"),
            name => ("usr/share/zsh/vendor-completions", name),
        };
        files.push(Entry::file(&format!("{directory}/{name}"), completion.content.clone()));
    }
    for page in &documents.manual {
        files.push(Entry::file(&format!("usr/share/man/man1/{}.gz", page.name), gz(&page.content)?));
    }
    let about = format!("usr/share/doc/{NAME}");
    files.push(Entry::file(&format!("{about}/changelog.gz"), gz(changelog(contents)?.as_bytes())?));
    files.push(Entry::file(&format!("{about}/LICENCES.txt.gz"), gz(contents.licences.as_bytes())?));
    files.push(Entry::file(&format!("{about}/copyright"), copyright(contents)?.into()));
    Ok(files)
}

fn write(tree: &Path, file: &Entry) -> Result<()> {
    let path = tree.join(&file.path);
    fs::create_dir_all(path.parent().unwrap_or(tree))?;
    fs::write(&path, &file.content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
        for directory in path.ancestors().skip(1).take_while(|directory| directory.starts_with(tree)) {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn control(contents: &Contents<'_>, architecture: &str, bytes: usize) -> String {
    let mut depends = Vec::new();
    if let Some((major, minor)) = contents.binary.glibc {
        depends.push(format!("libc6 (>= {major}.{minor})"));
    }
    if contents.binary.libraries.iter().any(|library| library.starts_with("libgcc_s.")) {
        depends.push("libgcc-s1 | libgcc1".to_owned());
    }
    let mut control = format!("Package: {NAME}\nVersion: {}\n", contents.version.replace('-', "~"));
    control += &format!("Architecture: {architecture}\nMaintainer: {MAINTAINER}\n");
    control += &format!("Installed-Size: {}\n", bytes.div_ceil(1024));
    if !depends.is_empty() {
        control += &format!("Depends: {}\n", depends.join(", "));
    }
    if !contents.homepage.is_empty() {
        control += &format!("Homepage: {}\n", contents.homepage);
    }
    control += "Recommends: ca-certificates\nSection: video\nPriority: optional\n";
    control += "Description: make video clips from text, and manage their jobs\n";
    control += " The command of the Infrai text-to-video API. It records each request before it\n";
    control += " sends it, finishes interrupted work without a second charge, and contains a\n";
    control += " sandbox: the whole API on this machine, for tests and without a key.\n";
    control
}

/// There is no contact yet: CONTRIBUTING.md.
const MAINTAINER: &str = "Infrai Video for Rust <packages@infrai-video.invalid>";

/// In the format that Debian's tools read.
fn changelog(contents: &Contents<'_>) -> Result<String> {
    let date = Process::new("date", contents.root)
        .args("--utc --rfc-email --date")
        .arg(format!("@{}", contents.time))
        .env("LC_ALL", "C")
        .read()?;
    Ok(format!(
        "{NAME} ({}) stable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- {MAINTAINER}  {date}",
        contents.version.replace('-', "~")
    ))
}

fn copyright(contents: &Contents<'_>) -> Result<String> {
    let licence = read(&contents.root.join("LICENSE-MIT"))?;
    Ok(format!(
        "{NAME} is licensed under the MIT licence below, or under the Apache License 2.0, which is in \
         /usr/share/common-licenses/Apache-2.0. LICENCES.txt.gz beside this file has the licences of its dependencies, which \
         are in the command too.\n\n{}",
        String::from_utf8_lossy(&licence)
    ))
}
