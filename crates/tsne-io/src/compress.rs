//! Compressed text: gzip and zstd, known by their first bytes when read and by the suffix when written.

use std::io::{self, BufRead as _, BufReader, Cursor, ErrorKind, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::Error;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// How a text file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As gzip does.
    Gzip,
    /// As zstd does.
    Zstd,
}

impl Compression {
    /// The suffixes that stand for a compression, without the dot.
    pub const SUFFIXES: [(&str, Self); 2] = [("gz", Self::Gzip), ("zst", Self::Zstd)];

    /// Writes `content` compressed to `sink`.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn write(self, content: &[u8], mut sink: impl Write) -> io::Result<()> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(sink, flate2::Compression::default());
                encoder.write_all(content)?;
                encoder.finish().map(drop)
            }
            // The encoder panics where a sink fails; a vector does not.
            Self::Zstd => sink.write_all(&compress_to_vec(content, CompressionLevel::Fastest)),
        }
    }
}

/// The content of `source`, decompressed if it is compressed.
pub(crate) fn decompressed<'a>(mut source: impl Read + 'a) -> Result<Box<dyn Read + 'a>, Error> {
    let mut start = Vec::new();
    source.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start).map_err(Error::of_reading)?;
    let (is_gzip, is_zstd) = (start.starts_with(GZIP), start == ZSTD);
    let whole = Cursor::new(start).chain(source);
    Ok(if is_gzip {
        Box::new(gunzipped(whole))
    } else if is_zstd {
        Box::new(unzstd(whole))
    } else {
        Box::new(whole)
    })
}

/// The content of a gzip file.
pub(crate) fn gunzipped(source: impl Read) -> impl Read {
    MultiGzDecoder::new(source)
}

/// The content of a zstd file.
pub(crate) fn unzstd(source: impl Read) -> impl Read {
    ZstdFrames { source: BufReader::new(source), decoder: FrameDecoder::new(), is_within: false }
}

/// All frames of a zstd file, one after another, as parallel compressors write several.
struct ZstdFrames<R: Read> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    is_within: bool,
}

impl<R: Read> ZstdFrames<R> {
    /// Reads the header of the next frame that holds data; false at the end of the file.
    fn start(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            use FrameDecoderError::ReadFrameHeaderError as Header;
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(Header(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.source.by_ref().take(u64::from(length)), &mut io::sink())?;
                }
                Err(e) => return Err(damaged(&e)),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_within {
                self.is_within = self.start()?;
                if !self.is_within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(|e| damaged(&e))?;
            }
            let n = self.decoder.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            let (told, found) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if told.is_some() && told != found {
                return Err(damaged(&"the checksum does not agree"));
            }
            self.is_within = false;
        }
    }
}

fn damaged(what: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_string())
}
