//! The MP4 file: its index comes first, so that a player can start before it has the rest.

use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::mux::{
    Mp4FileMuxer, Mp4FileMuxerOptions, MuxError, Sample, estimate_maximum_moov_box_size,
};
use shiguredo_mp4::{TrackKind, Uint};

use crate::error::RenderError;
use crate::spec::FRAMES_PER_SECOND;
use crate::video::EncodedVideo;

/// Ticks for each frame: times in the file are exact.
const TICKS_PER_FRAME: u32 = 1000;
const TIMESCALE: NonZeroU32 = NonZeroU32::new(FRAMES_PER_SECOND * TICKS_PER_FRAME).expect("it is not zero");

/// Puts a video into a file.
pub(crate) fn mux(video: &EncodedVideo) -> Result<Vec<u8>, RenderError> {
    let options = Mp4FileMuxerOptions {
        reserved_moov_box_size: estimate_maximum_moov_box_size(&[video.samples.len()]),
        ..Mp4FileMuxerOptions::default()
    };
    let mut muxer = Mp4FileMuxer::with_options(options).map_err(mux_error)?;
    let mut file = muxer.initial_boxes_bytes().to_vec();
    let mut data_offset = file.len() as u64;
    for (index, sample) in video.samples.iter().enumerate() {
        let sample = Sample {
            track_kind: TrackKind::Video,
            sample_entry: (index == 0).then(|| sample_entry(video)),
            keyframe: sample.is_key,
            timescale: TIMESCALE,
            duration: TICKS_PER_FRAME,
            composition_time_offset: None,
            data_offset,
            data_size: sample.size,
        };
        muxer.append_sample(&sample).map_err(mux_error)?;
        data_offset += sample.data_size as u64;
    }
    file.extend_from_slice(&video.data);
    let boxes = muxer.finalize().map_err(mux_error)?;
    if !boxes.is_faststart_enabled() {
        return Err(RenderError::Mux(format!(
            "the index of {} bytes does not fit in front",
            boxes.moov_box_size()
        )));
    }
    for (offset, bytes) in boxes.offset_and_bytes_pairs() {
        let start = offset as usize;
        file[start..start + bytes.len()].copy_from_slice(bytes);
    }
    Ok(file)
}

fn sample_entry(video: &EncodedVideo) -> SampleEntry {
    SampleEntry::Avc1(Avc1Box {
        visual: VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width: video.width,
            height: video.height,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        },
        avcc_box: AvccBox {
            // The first bytes behind the header of the sequence parameters say profile, constraints and level.
            avc_profile_indication: video.sps[1],
            profile_compatibility: video.sps[2],
            avc_level_indication: video.sps[3],
            length_size_minus_one: Uint::new(3),
            sps_list: vec![video.sps.clone()],
            pps_list: vec![video.pps.clone()],
            chroma_format: None,
            bit_depth_luma_minus8: None,
            bit_depth_chroma_minus8: None,
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    })
}

fn mux_error(error: MuxError) -> RenderError {
    RenderError::Mux(error.to_string())
}
