//! The pages of a column chunk, decompressed here so that no page takes memory for what it merely claims.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::damaged;
use crate::compress::{gunzipped, unzstd};
use crate::matrix::reserve;
use crate::{Error, shown};

/// No page grows beyond this many bytes for each of its compressed ones, [`MIN_LIMIT`] aside.
const MAX_RATIO: usize = 1 << 11;
/// Bytes any page may grow to.
const MIN_LIMIT: usize = 1 << 24;
/// No snappy stream is longer than this many times its compressed form: three bytes copy 64 at most.
const MAX_SNAPPY_RATIO: usize = 22;

/// How pages are compressed, as far as that is read here.
#[derive(Clone, Copy, Debug)]
enum Codec {
    Plain,
    Snappy,
    Gzip,
    Zstd,
}

impl Codec {
    fn of(compression: Compression) -> Result<Self, Error> {
        match compression {
            Compression::UNCOMPRESSED => Ok(Self::Plain),
            Compression::SNAPPY => Ok(Self::Snappy),
            Compression::GZIP(_) => Ok(Self::Gzip),
            Compression::ZSTD(_) => Ok(Self::Zstd),
            other => Err(Error::LeftOut {
                what: format!("the Parquet file is compressed with {other}, which is not read"),
                help: "write it with zstd, snappy, gzip or no compression",
            }),
        }
    }

    fn unpack(self, packed: &[u8]) -> Result<Vec<u8>, Error> {
        let limit = packed.len().saturating_mul(MAX_RATIO).max(MIN_LIMIT);
        match self {
            Self::Plain => Ok(packed.to_vec()),
            Self::Snappy => {
                let len = snap::raw::decompress_len(packed).map_err(|e| of_snappy(&e))?;
                if len > packed.len().saturating_mul(MAX_SNAPPY_RATIO) {
                    return Err(Error::malformed(format!(
                        "a Parquet page claims {len} bytes, more than its {} compressed bytes can hold",
                        packed.len()
                    )));
                }
                let mut bytes = Vec::new();
                reserve(&mut bytes, len)?;
                bytes.resize(len, 0);
                let n =
                    snap::raw::Decoder::new().decompress(packed, &mut bytes).map_err(|e| of_snappy(&e))?;
                bytes.truncate(n);
                Ok(bytes)
            }
            Self::Gzip => read_at_most(gunzipped(packed), limit),
            Self::Zstd => read_at_most(unzstd(packed), limit),
        }
    }
}

fn of_snappy(e: &snap::Error) -> Error {
    Error::malformed(format!("a Parquet page is damaged: {e}"))
}

/// All that `source` gives, which memory grows with, and refused beyond `limit`.
fn read_at_most(source: impl Read, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(Error::of_reading)?;
    if bytes.len() > limit {
        return Err(Error::malformed(format!("a Parquet page grows beyond {limit} bytes when decompressed")));
    }
    Ok(bytes)
}

/// The bytes of a column chunk, at the place they have in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn tail(&self, start: u64) -> parquet::errors::Result<Bytes> {
        let at = start.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let at = at.filter(|&at| at <= self.bytes.len());
        at.map(|at| self.bytes.slice(at..))
            .ok_or_else(|| ParquetError::EOF("a page lies outside its column chunk".to_owned()))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.tail(start).map(Cursor::new)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let tail = self.tail(start)?;
        if length > tail.len() {
            return Err(ParquetError::EOF("a page is longer than its column chunk".to_owned()));
        }
        Ok(tail.slice(..length))
    }
}

/// The pages of one column chunk.
pub(super) struct Pages {
    packed: SerializedPageReader<Chunk>,
    codec: Codec,
    /// Fewest bytes that a value of a dictionary takes.
    entry_bytes: usize,
    /// Values that the chunk may hold altogether.
    values_left: u64,
}

impl Pages {
    /// Reads the bytes of a chunk of at most `max_values`, which must lie within the `file_bytes` there are.
    pub(super) fn open(
        source: &mut (impl Read + Seek),
        file_bytes: u64,
        chunk: &ColumnChunkMetaData,
        max_values: u64,
    ) -> Result<Self, Error> {
        if chunk.file_path().is_some() {
            return Err(Error::LeftOut {
                what: "the Parquet file keeps a column in another file, which is not read".to_owned(),
                help: "write the table into a single file",
            });
        }
        let codec = Codec::of(chunk.compression())?;
        // Some writers say 0 where there is no dictionary.
        let data = chunk.data_page_offset();
        let dictionary = chunk.dictionary_page_offset().filter(|offset| (1..data).contains(offset));
        let start = u64::try_from(dictionary.unwrap_or(data)).ok();
        let len = u64::try_from(chunk.compressed_size()).ok();
        let end = start.zip(len).and_then(|(start, len)| start.checked_add(len));
        let (Some(start), Some(len), Some(_)) = (start, len, end.filter(|&end| end <= file_bytes)) else {
            return Err(Error::malformed(format!(
                "column {} lies outside the file, of which there are {file_bytes} bytes",
                shown(chunk.column_descr().name())
            )));
        };
        let mut bytes = Vec::new();
        reserve(&mut bytes, usize::try_from(len).unwrap_or(usize::MAX))?;
        source.seek(SeekFrom::Start(start)).map_err(Error::NotReadable)?;
        source.take(len).read_to_end(&mut bytes).map_err(Error::NotReadable)?;
        // What is said to be plain is handed out as it is.
        let plain = chunk
            .clone()
            .into_builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_page_offset(dictionary)
            .build()
            .map_err(damaged)?;
        let chunk = Arc::new(Chunk { start, bytes: bytes.into() });
        let entry_bytes = match plain.column_type() {
            Type::FIXED_LEN_BYTE_ARRAY => 1,
            _ => 4,
        };
        let packed = SerializedPageReader::new(chunk, &plain, 0, None).map_err(damaged)?;
        Ok(Self { packed, codec, entry_bytes, values_left: max_values })
    }

    /// The same page with its bytes decompressed, and as many values as it can have.
    fn unpacked(&mut self, mut page: Page) -> Result<Page, Error> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                if !matches!(self.codec, Codec::Plain) {
                    *buf = self.codec.unpack(buf)?.into();
                }
            }
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed, .. } => {
                let n_levels = (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize);
                let Some((levels, values)) = buf.split_at_checked(n_levels) else {
                    return Err(Error::malformed("a Parquet page is shorter than its levels"));
                };
                if *is_compressed && !matches!(self.codec, Codec::Plain) && !values.is_empty() {
                    let mut bytes = levels.to_vec();
                    bytes.append(&mut self.codec.unpack(values)?);
                    *buf = bytes.into();
                }
            }
        }
        if page.is_dictionary_page() {
            if page.num_values() as usize > page.buffer().len() / self.entry_bytes {
                return Err(Error::malformed(format!(
                    "a Parquet dictionary claims {} entries in {} bytes",
                    page.num_values(),
                    page.buffer().len()
                )));
            }
        } else {
            self.values_left = self
                .values_left
                .checked_sub(page.num_values().into())
                .ok_or_else(|| Error::malformed("Parquet pages claim more values than the file can hold"))?;
        }
        Ok(page)
    }
}

impl Iterator for Pages {
    type Item = parquet::errors::Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> parquet::errors::Result<Option<Page>> {
        let Some(page) = self.packed.get_next_page()? else { return Ok(None) };
        self.unpacked(page).map(Some).map_err(|e| ParquetError::External(Box::new(e)))
    }

    fn peek_next_page(&mut self) -> parquet::errors::Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> parquet::errors::Result<()> {
        self.packed.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> parquet::errors::Result<bool> {
        self.packed.at_record_boundary()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_back_what_was_packed() {
        let content: Vec<u8> = (0..10_000_u32).flat_map(|i| (i * i / 7).to_le_bytes()).collect();
        let mut gzip = Vec::new();
        crate::Compression::Gzip.write(&content, &mut gzip).expect("memory takes all");
        let mut zstd = Vec::new();
        crate::Compression::Zstd.write(&content, &mut zstd).expect("memory takes all");
        let snappy = snap::raw::Encoder::new().compress_vec(&content).expect("short");
        for (codec, packed) in
            [(Codec::Plain, &content), (Codec::Snappy, &snappy), (Codec::Gzip, &gzip), (Codec::Zstd, &zstd)]
        {
            assert!(codec.unpack(packed).expect("unpacks") == content, "{codec:?}");
        }
        for codec in [Codec::Snappy, Codec::Gzip, Codec::Zstd] {
            assert_eq!(
                codec.unpack(b"\xff\xff\xff\xff\x07zz").expect_err("damaged").code(),
                "E107",
                "{codec:?}"
            );
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        // Frames of zstd may repeat a byte 128 KiB long for each block of four bytes.
        let mut bomb = b"\x28\xb5\x2f\xfd\x00\x58".to_vec();
        for block in 0..2000_u32 {
            let header = (1 << 17) << 3 | 1 << 1 | u32::from(block == 1999);
            bomb.extend(&header.to_le_bytes()[..3]);
            bomb.push(0);
        }
        let e = Codec::Zstd.unpack(&bomb).expect_err("262 MB of 8 kB");
        assert!(e.to_string().contains("grows beyond"), "{e}");
    }
}
