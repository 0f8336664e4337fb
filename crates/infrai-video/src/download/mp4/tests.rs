use std::io::Cursor;

use super::*;

fn check_bytes(bytes: &[u8]) -> Result<(), String> {
    check(&mut Cursor::new(bytes), bytes.len() as u64)
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat()
}

fn table(kind: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    boxed(kind, &[&[0; 4], &numbers[..]].concat())
}

/// A movie box with one track with this sample table.
fn movie(tables: &[Vec<u8>]) -> Vec<u8> {
    let nested = [b"minf", b"mdia", b"trak", b"moov"];
    nested.iter().fold(boxed(b"stbl", &tables.concat()), |inner, kind| boxed(kind, &inner))
}

fn ftyp() -> Vec<u8> {
    boxed(b"ftyp", b"isom\0\0\0\0")
}

/// The offset of the media of [`file`].
const MEDIA: u32 = 24;

/// A file with 30 bytes of media before its movie box.
fn file(tables: &[Vec<u8>]) -> Vec<u8> {
    [ftyp(), boxed(b"mdat", &[7; 30]), movie(tables)].concat()
}

/// Two chunks: 2 samples of 5 bytes, then 2 of 10.
fn two_chunks() -> [Vec<u8>; 3] {
    [
        table(b"stsz", &[0, 4, 5, 5, 10, 10]),
        table(b"stsc", &[1, 1, 2, 1]),
        table(b"stco", &[2, MEDIA, MEDIA + 10]),
    ]
}

/// A file with the movie box first, and a media box without a size, cut to `media` bytes.
fn open_ended(media: usize) -> Vec<u8> {
    let head = |offset| {
        let tables = [table(b"stsz", &[10, 3]), table(b"stsc", &[1, 1, 3, 1]), table(b"stco", &[1, offset])];
        [ftyp(), movie(&tables), b"\0\0\0\0mdat".to_vec()].concat()
    };
    let start = head(0).len() as u32;
    [head(start), vec![7; media]].concat()
}

#[test]
fn the_defect_is_named() {
    for (bytes, what) in [
        (&b""[..], "no movie box"),
        (b"<html>an error page</html>", "cut short"),
        (b"\0\0\0", "no movie box"),
        (b"\0\0\x01", "no header"),
        (b"\0\0\0\x08free", "starts with free"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x20mdat", "mdat at byte 16 is cut short"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov", "no movie box with a track"),
        (b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x10moov\0\0\0\x10trak", "movie box is broken"),
        (b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff", "cut short"),
        (b"\0\0\0\x01ftyp\0\0\0\0\0\0\0\x08", "cut short"),
        (b"\0\0\0\x08\n\x07\xff\"", "starts with \\n\\x07\\xff\\\""),
    ] {
        let error = check_bytes(bytes).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_file_with_all_its_samples_is_whole() {
    check_bytes(&file(&two_chunks())).unwrap();
    check_bytes(&open_ended(30)).unwrap();
    let long = [MEDIA; 1].map(u64::from).map(|offset| [0, 1, (offset >> 32) as u32, offset as u32]);
    let [_, stsc, _] = two_chunks();
    check_bytes(&file(&[table(b"stsz", &[3, 2]), stsc, table(b"co64", &long[0][1..])])).unwrap();
}

#[test]
fn the_end_of_the_last_sample_counts_and_not_only_its_chunk() {
    let [sizes, chunks, _] = two_chunks();
    let whole = file(&two_chunks());
    let last_chunk = |offset| file(&[sizes.clone(), chunks.clone(), table(b"stco", &[2, MEDIA, offset])]);
    check_bytes(&last_chunk(whole.len() as u32 - 20)).unwrap();
    let error = check_bytes(&last_chunk(whole.len() as u32 - 19)).unwrap_err();
    assert!(error.contains("a sample lies beyond its end"), "{error}");
}

#[test]
fn a_media_box_without_a_size_does_not_hide_a_cut() {
    for media in [0, 1, 29] {
        let error = check_bytes(&open_ended(media)).unwrap_err();
        assert!(error.contains("a sample lies beyond its end"), "{error}");
    }
}

#[test]
fn zeros_after_the_last_box_are_padding() {
    for zeros in [1, 7, 8, 15, 5000] {
        check_bytes(&[file(&two_chunks()), vec![0; zeros]].concat()).unwrap();
    }
    let error = check_bytes(&[file(&two_chunks()), vec![0, 0, 0, 0, 0, 0, 1]].concat()).unwrap_err();
    assert!(error.contains("has no header"), "{error}");
}

#[test]
fn compact_sizes_are_supported() {
    for (bits, sizes) in [(4, &[0xaa, 0xa0][..]), (8, &[10, 10, 10]), (16, &[0, 10, 0, 10, 0, 10])] {
        let body = [&[0, 0, 0, 0, 0, 0, 0, bits, 0, 0, 0, 3], sizes].concat();
        let with_chunk_at = |offset| {
            file(&[boxed(b"stz2", &body), table(b"stsc", &[1, 1, 3, 1]), table(b"stco", &[1, offset])])
        };
        let len = with_chunk_at(0).len() as u32;
        check_bytes(&with_chunk_at(len - 30)).unwrap();
        check_bytes(&with_chunk_at(len - 29)).unwrap_err();
    }
}

#[test]
fn a_track_without_samples_is_rejected() {
    let none = [table(b"stsz", &[0, 0]), table(b"stsc", &[0]), table(b"stco", &[0])];
    assert!(check_bytes(&file(&none)).unwrap_err().contains("no samples"));
}

#[test]
fn the_boxes_of_a_fragmented_file_are_checked() {
    let none = [table(b"stsz", &[0, 0]), table(b"stsc", &[0]), table(b"stco", &[0])];
    let head = [ftyp(), movie(&none), boxed(b"moof", b"")].concat();
    check_bytes(&[&head[..], &boxed(b"mdat", &[7; 30])].concat()).unwrap();
    let error = check_bytes(&[&head[..], b"\0\0\0\0mdat", &[7; 30]].concat()).unwrap_err();
    assert!(error.contains("does not say where it ends"), "{error}");
}

#[test]
fn tables_with_excessive_counts_are_rejected_at_once() {
    let [sizes, chunks, offsets] = two_chunks();
    for tables in [
        [table(b"stsz", &[0, u32::MAX, 5]), chunks.clone(), offsets.clone()],
        [sizes.clone(), table(b"stsc", &[u32::MAX, 1, 2, 1]), offsets.clone()],
        [sizes.clone(), chunks.clone(), table(b"stco", &[u32::MAX, MEDIA])],
        [sizes.clone(), chunks.clone(), table(b"stco", &[])],
        [sizes.clone(), chunks.clone(), table(b"co64", &[1, 0])],
        [table(b"stz2", &[16, u32::MAX, 5]), chunks.clone(), offsets.clone()],
        [table(b"stz2", &[4, u32::MAX, 5]), chunks.clone(), offsets.clone()],
        [table(b"stz2", &[3, 1, 5]), chunks.clone(), offsets.clone()],
        // These counts need no bytes of their own: the samples would be terabytes.
        [table(b"stsz", &[u32::MAX, u32::MAX]), table(b"stsc", &[1, 1, u32::MAX, 1]), offsets.clone()],
        [sizes.clone(), chunks.clone(), table(b"co64", &[1, u32::MAX, u32::MAX])],
    ] {
        check_bytes(&file(&tables)).unwrap_err();
    }
}

#[test]
fn a_file_with_too_many_boxes_is_rejected() {
    let error = check_bytes(&[ftyp(), boxed(b"free", b"").repeat(200_000)].concat()).unwrap_err();
    assert!(error.contains("too many boxes"), "{error}");
}
