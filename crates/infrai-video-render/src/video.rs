//! H.264 from raw frames.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;

use crate::error::RenderError;
use crate::frame::Frame;
use crate::spec::FRAMES_PER_SECOND;

/// The kinds of NAL unit that go into the file's header.
const SPS: u8 = 7;
const PPS: u8 = 8;

/// Frames as an MP4 file holds them.
#[derive(Debug)]
pub(crate) struct EncodedVideo {
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// The sequence and the picture parameters, without their start codes.
    pub(crate) sps: Vec<u8>,
    pub(crate) pps: Vec<u8>,
    /// All frames in one piece: each NAL unit behind its length in four bytes.
    pub(crate) data: Vec<u8>,
    pub(crate) samples: Vec<EncodedSample>,
}

/// One frame within the data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EncodedSample {
    /// In bytes.
    pub(crate) size: usize,
    pub(crate) is_key: bool,
}

/// An encoder for one group of frames.
pub(crate) struct VideoEncoder {
    encoder: Encoder,
    video: EncodedVideo,
}

impl VideoEncoder {
    /// An encoder for frames of one size.
    pub(crate) fn new(width: u32, height: u32) -> Result<Self, RenderError> {
        let config = EncoderConfig::new()
            .profile(Profile::Baseline)
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Low)
            .max_frame_rate(FrameRate::from_hz(FRAMES_PER_SECOND as f32))
            // Only the first frame is a key frame: each group of frames has an encoder of its own.
            .intra_frame_period(IntraFramePeriod::auto())
            // A fixed quantiser: the rate control could skip frames.
            .rate_control_mode(RateControlMode::Off)
            .bitrate(BitRate::from_bps(width * height))
            .skip_frames(false)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            // Areas that do not change cost next to nothing.
            .background_detection(true)
            // The bytes must not depend on the number of cores.
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(encode_error)?;
        let side = |value: u32| u16::try_from(value).map_err(|_| RenderError::Size { width, height });
        let (width, height) = (side(width)?, side(height)?);
        let video = EncodedVideo {
            width,
            height,
            sps: Vec::new(),
            pps: Vec::new(),
            data: Vec::new(),
            samples: Vec::new(),
        };
        Ok(Self { encoder, video })
    }

    /// Encodes the next frame.
    pub(crate) fn push(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let [y, u, v] = &frame.planes;
        let source = YUVSlices::new(
            (&y.data, &u.data, &v.data),
            (frame.width(), frame.height()),
            (y.width, u.width, v.width),
        );
        let stream = self.encoder.encode(&source).map_err(encode_error)?;
        let start = self.video.data.len();
        for layer in (0..stream.num_layers()).filter_map(|index| stream.layer(index)) {
            for unit in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                self.video.add_unit(without_start_code(unit))?;
            }
        }
        let size = self.video.data.len() - start;
        if size == 0 {
            return Err(RenderError::Encode(format!("frame {} came back empty", self.video.samples.len())));
        }
        self.video.samples.push(EncodedSample { size, is_key: stream.frame_type() == FrameType::IDR });
        Ok(())
    }

    /// The whole group.
    pub(crate) fn finish(self) -> Result<EncodedVideo, RenderError> {
        if self.video.sps.len() < 4 || self.video.pps.is_empty() {
            return Err(RenderError::Encode("it gave no stream parameters".to_owned()));
        }
        Ok(self.video)
    }
}

impl EncodedVideo {
    /// Puts groups behind one another.
    pub(crate) fn join(groups: impl IntoIterator<Item = Self>) -> Result<Self, RenderError> {
        let mut groups = groups.into_iter();
        let mut video = groups.next().ok_or_else(|| RenderError::Encode("there was no frame".to_owned()))?;
        for group in groups {
            if (&group.sps, &group.pps) != (&video.sps, &video.pps) {
                return Err(RenderError::Encode("its stream parameters changed within the clip".to_owned()));
            }
            video.data.extend_from_slice(&group.data);
            video.samples.extend_from_slice(&group.samples);
        }
        Ok(video)
    }

    fn add_unit(&mut self, unit: &[u8]) -> Result<(), RenderError> {
        match unit.first().map(|header| header & 0x1f) {
            None => {}
            // They come with each key frame and are always the same; the file has them once, in its header.
            Some(SPS) => self.sps = unit.to_vec(),
            Some(PPS) => self.pps = unit.to_vec(),
            Some(_) => {
                let length = u32::try_from(unit.len())
                    .map_err(|_| RenderError::Encode("a frame is too large".to_owned()))?;
                self.data.extend_from_slice(&length.to_be_bytes());
                self.data.extend_from_slice(unit);
            }
        }
        Ok(())
    }
}

/// The encoder puts `00 00 01` or `00 00 00 01` before each unit.
fn without_start_code(unit: &[u8]) -> &[u8] {
    unit.strip_prefix(&[0, 0, 0, 1]).or_else(|| unit.strip_prefix(&[0, 0, 1])).unwrap_or(unit)
}

fn encode_error(error: openh264::Error) -> RenderError {
    RenderError::Encode(error.to_string())
}
