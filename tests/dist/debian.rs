//! The Debian package.

use external_tools::Process;

use crate::{names, packages};

#[test]
#[ignore = "needs npm, PyPI and dpkg-deb: cargo xtask test --only dist"]
fn the_debian_package_has_the_command_its_pages_and_its_needs() {
    let Some(packages) = packages() else { return };
    let (work, package) = (packages.work("debian"), packages.file(".deb"));
    let dpkg = |arguments: &str| Process::new("dpkg-deb", &work).args(arguments).arg(&package);
    let depends = dpkg("--field").arg("Depends").read().unwrap();
    assert!(depends.starts_with("libc6 (>= 2."), "{depends}");
    dpkg("--extract").arg(&work).run().unwrap();
    let version = Process::new(work.join("usr/bin/infrai-video"), &work).args("--version").read().unwrap();
    assert!(version.starts_with("infrai-video "), "{version}");
    let share = work.join("usr/share");
    assert_eq!(names(&share.join("doc/infrai-video")), ["LICENCES.txt.gz", "changelog.gz", "copyright"]);
    assert_eq!(names(&share.join("bash-completion/completions")), ["infrai-video"]);
    assert_eq!(names(&share.join("zsh/vendor-completions")), ["_infrai-video"]);
    assert_eq!(names(&share.join("fish/vendor_completions.d")), ["infrai-video.fish"]);
    assert!(names(&share.join("man/man1")).contains(&"infrai-video.1.gz".to_owned()));
}
