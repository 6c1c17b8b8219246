//! Arrays of text in numpy's NPY format: labels and ids.

use std::io::{self, Read, Write};

use crate::Error;
use crate::header::{Dtype, Kind};
use crate::npy::{Length, check_length, header_bytes, read_array, read_header};

/// The elements of an array as texts, and its shape; numbers are written out.
pub(crate) fn read_texts(mut source: impl Read, length: Length) -> Result<(Vec<usize>, Vec<String>), Error> {
    let mut start = Vec::new();
    let (header, header_bytes) = read_header(&mut Copied { source: &mut source, copy: &mut start })?;
    if !header.dtype.is_text() {
        let array = read_array(start.as_slice().chain(source), length)?;
        let texts = (0..array.values.len()).map(|i| array.values.text(i)).collect();
        return Ok((array.shape, texts));
    }
    let n_bytes = check_length(&header, header_bytes, length)?;
    // Memory grows with the bytes that arrive.
    let mut bytes = Vec::new();
    source.take(n_bytes as u64).read_to_end(&mut bytes).map_err(Error::of_reading)?;
    if bytes.len() != n_bytes {
        return Err(Error::malformed("the file ends within the data"));
    }
    let texts: Option<Vec<String>> =
        bytes.chunks_exact(header.dtype.size).map(|text| decoded(text, header.dtype)).collect();
    match texts {
        Some(texts) => Ok((header.shape, texts)),
        None => Err(Error::malformed("the array of texts holds bytes that are no text")),
    }
}

/// A text of numpy, which is padded with zeros.
fn decoded(text: &[u8], dtype: Dtype) -> Option<String> {
    if dtype.kind == Kind::Bytes {
        let end = text.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
        return std::str::from_utf8(&text[..end]).ok().map(str::to_owned);
    }
    let (units, _) = text.as_chunks::<4>();
    let code = |&unit| if dtype.is_big_endian { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
    let end = units.iter().rposition(|unit| *unit != [0; 4]).map_or(0, |last| last + 1);
    units[..end].iter().map(|unit| char::from_u32(code(unit))).collect()
}

/// A source whose bytes are kept, to be read once more.
struct Copied<'a, R> {
    source: R,
    copy: &'a mut Vec<u8>,
}

impl<R: Read> Read for Copied<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.copy.extend_from_slice(&buffer[..n]);
        Ok(n)
    }
}

/// Writes texts as an array of one dimension, as wide as the longest of them.
pub(crate) fn write_npy_texts(mut sink: impl Write, texts: &[String]) -> io::Result<()> {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    sink.write_all(&header_bytes(&format!("<U{width}"), &[texts.len()]))?;
    let mut bytes = Vec::with_capacity(4 * width);
    for text in texts {
        bytes.clear();
        bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
        bytes.resize(4 * width, 0);
        sink.write_all(&bytes)?;
    }
    Ok(())
}

/// Writes a text as an array of no dimensions, one element of as many bytes as the text has.
pub(crate) fn write_npy_text(mut sink: impl Write, text: &str) -> io::Result<()> {
    sink.write_all(&header_bytes(&format!("|S{}", text.len()), &[]))?;
    sink.write_all(text.as_bytes())
}
