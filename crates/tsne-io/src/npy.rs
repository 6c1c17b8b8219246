//! Arrays in numpy's NPY format, versions 1 to 3: a reader that believes no header, and a writer.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. A header may claim any size, so
//! it is bounded, its product is checked, and it is compared with the length of the file before memory is taken.

use std::io::{ErrorKind, Read, Write};

use crate::columns::Roles;
use crate::header::{Dtype, Header, Kind};
use crate::labels::LabelsBuilder;
use crate::matrix::reserve;
use crate::missing::BadCells;
use crate::{Cells, Dataset, Error, Format, Matrix, ReadOptions};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header: numpy itself writes 128 bytes for any plain array.
const MAX_HEADER_BYTES: usize = 1 << 16;
/// Bytes read at a time: a multiple of every element size.
const STEP: usize = 1 << 20;

/// An array of any shape, in C order, its elements as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Lengths of the dimensions.
    pub shape: Vec<usize>,
    /// The elements, last index fastest.
    pub values: Values,
    /// Type of the elements as the file has it, such as `<f4`.
    pub descr: String,
}

macro_rules! define_values {
    ($($variant:ident $type:ty, $kind:ident, $descr:literal;)*) => {
        /// Elements of an [`Array`].
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Values {
            $(
                #[doc = concat!("Elements of type `", stringify!($type), "`.")]
                $variant(Vec<$type>),
            )*
        }

        impl Values {
            /// Number of elements.
            #[must_use]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(values) => values.len(),)* }
            }

            /// Whether there are no elements.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The elements as `f64`, integers beyond 2^53 rounded.
            #[must_use]
            #[allow(clippy::cast_precision_loss, trivial_numeric_casts, reason = "documented")]
            pub fn to_f64(&self) -> Vec<f64> {
                match self { $(Self::$variant(values) => values.iter().map(|&x| x as f64).collect(),)* }
            }

            /// The elements as `usize`, where they are whole numbers that are not negative.
            #[allow(trivial_numeric_casts, clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "compared after the cast")]
            pub(crate) fn whole(&self, i: usize) -> Option<usize> {
                match self { $(Self::$variant(values) => {
                    let whole = values[i] as usize;
                    (whole as $type == values[i]).then_some(whole)
                })* }
            }

            /// As [`to_f64`](Self::to_f64), without a copy where they are `f64`.
            pub(crate) fn into_f64(self) -> Vec<f64> {
                match self {
                    Self::F64(values) => values,
                    other => other.to_f64(),
                }
            }

            /// How element `i` is written as text: integers without a fraction.
            pub(crate) fn text(&self, i: usize) -> String {
                match self { $(Self::$variant(values) => values[i].to_string(),)* }
            }

            fn read(dtype: Dtype, data: &mut Data<impl Read>) -> Result<Self, Error> {
                Ok(match (dtype.kind, dtype.size) {
                    $((Kind::$kind, size) if size == size_of::<$type>() => {
                        Self::$variant(data.read(|bytes| {
                            let bytes = bytes.try_into().expect("chunks have the size of an element");
                            if dtype.is_big_endian { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) }
                        })?)
                    })*
                    (Kind::Bool, _) => Self::U8(data.read(|bytes| u8::from(bytes[0] != 0))?),
                    (Kind::Float, _) => Self::F32(data.read(|bytes| {
                        let bytes = bytes.try_into().expect("chunks have the size of an element");
                        half_to_f32(if dtype.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
                    })?),
                    (kind, size) => unreachable!("the header admits no {kind:?} of {size} bytes"),
                })
            }
        }

        $(
            impl sealed::Sealed for $type {}
            impl NpyElement for $type {
                const DESCR: &'static str = $descr;
                fn put(self, bytes: &mut Vec<u8>) {
                    bytes.extend_from_slice(&self.to_le_bytes());
                }
                #[allow(clippy::cast_precision_loss, trivial_numeric_casts, reason = "documented")]
                fn to_wide(self) -> f64 {
                    self as f64
                }
            }
        )*
    };
}

define_values! {
    I8 i8, Int, "|i1";
    I16 i16, Int, "<i2";
    I32 i32, Int, "<i4";
    I64 i64, Int, "<i8";
    U8 u8, UInt, "|u1";
    U16 u16, UInt, "<u2";
    U32 u32, UInt, "<u4";
    U64 u64, UInt, "<u8";
    F32 f32, Float, "<f4";
    F64 f64, Float, "<f8";
}

mod sealed {
    #[allow(unnameable_types, reason = "a sealed trait is one that cannot be named")]
    pub trait Sealed {}
}

/// An element type that can be written: the integers of 1 to 8 bytes, `f32` and `f64`. Sealed.
pub trait NpyElement: Copy + sealed::Sealed {
    /// numpy's name of the type.
    const DESCR: &'static str;
    /// Appends the value, little-endian.
    fn put(self, bytes: &mut Vec<u8>);
    /// The value as `f64`, integers beyond 2^53 rounded.
    fn to_wide(self) -> f64;
}

/// Reads an array; `length` is the number of bytes of the whole file, where that is known.
///
/// Real numbers of any width, integers and booleans, either byte order, C or (for matrices) Fortran order. Booleans
/// become `U8` and half-precision numbers `F32`, both exact.
///
/// # Errors
/// Objects, records and text are refused ([`Error::NotNumericArray`]) and never evaluated, complex numbers too
/// ([`Error::Complex`]). A header that is damaged, longer than 64 KiB, or that declares another size than the file
/// has is [`Error::Malformed`]; with `length` this is found before memory is taken.
pub fn read_npy(source: impl Read, length: Option<u64>) -> Result<Array, Error> {
    read_array(source, length.map_or(Length::Unknown, Length::Measured))
}

/// What is known about the number of bytes of an array's file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// The file was asked: memory may be taken for it at once.
    Measured(u64),
    /// An archive says so: it must fit the header, but only data that arrive may take memory.
    Claimed(u64),
    /// A stream.
    Unknown,
}

pub(crate) fn read_array(mut source: impl Read, length: Length) -> Result<Array, Error> {
    let (header, header_bytes) = read_header(&mut source)?;
    if header.dtype.is_text() {
        return Err(Error::NotNumericArray { descr: header.descr });
    }
    check_length(&header, header_bytes, length)?;
    let count = header.count()?;
    if header.is_fortran && header.shape.len() > 2 {
        return Err(Error::NotAMatrix { shape: header.shape });
    }
    let n_rows = if header.is_fortran && header.shape.len() == 2 { header.shape[0] } else { 1 };
    let is_length_true = matches!(length, Length::Measured(_));
    let mut data = Data { source, count, size: header.dtype.size, n_rows: n_rows.max(1), is_length_true };
    let values = Values::read(header.dtype, &mut data)?;
    Ok(Array { shape: header.shape, values, descr: header.descr })
}

/// Compares the header with what is known of the length, and gives the number of bytes of the data.
pub(crate) fn check_length(header: &Header, header_bytes: u64, length: Length) -> Result<usize, Error> {
    let n_bytes = header.count()?.checked_mul(header.dtype.size).ok_or_else(|| size_error(header))?;
    if let Length::Measured(length) | Length::Claimed(length) = length {
        let held = length.saturating_sub(header_bytes);
        if u64::try_from(n_bytes).ok() != Some(held) {
            let shape = &header.shape;
            return Err(Error::malformed(format!(
                "the header declares {n_bytes} bytes of data (shape {shape:?} of {}), but the file holds {held}",
                header.descr
            )));
        }
    }
    Ok(n_bytes)
}

/// Reads the first `MAGIC`, version, length and text; returns the header and how many bytes it took.
pub(crate) fn read_header(source: &mut impl Read) -> Result<(Header, u64), Error> {
    let mut start = [0; 8];
    read_exactly(source, &mut start, "the header")?;
    if !start.starts_with(MAGIC) {
        return Err(Error::malformed("this is no numpy array: it does not start with \\x93NUMPY"));
    }
    let (len, prefix) = match start[6] {
        1 => {
            let mut bytes = [0; 2];
            read_exactly(source, &mut bytes, "the header")?;
            (usize::from(u16::from_le_bytes(bytes)), 10)
        }
        2 | 3 => {
            let mut bytes = [0; 4];
            read_exactly(source, &mut bytes, "the header")?;
            (usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX), 12)
        }
        version => {
            return Err(Error::malformed(format!(
                "version {version} of the numpy format is not known, 1 to 3 are"
            )));
        }
    };
    if len > MAX_HEADER_BYTES {
        return Err(Error::malformed(format!(
            "the header claims {len} bytes, at most {MAX_HEADER_BYTES} are read"
        )));
    }
    let mut text = vec![0; len];
    read_exactly(source, &mut text, "the header")?;
    Ok((Header::parse(&text)?, prefix + len as u64))
}

fn read_exactly(source: &mut impl Read, buffer: &mut [u8], what: &str) -> Result<(), Error> {
    source.read_exact(buffer).map_err(|e| match e.kind() {
        ErrorKind::UnexpectedEof => Error::malformed(format!("the file ends within {what}")),
        ErrorKind::InvalidData => Error::malformed(format!("the data are damaged: {e}")),
        _ => Error::NotReadable(e),
    })
}

fn size_error(header: &Header) -> Error {
    Error::malformed(format!(
        "the header declares an impossible size: shape {:?} of {}",
        header.shape, header.descr
    ))
}

/// The elements of an array, not read yet.
struct Data<R> {
    source: R,
    count: usize,
    size: usize,
    /// Rows of a matrix in Fortran order, else 1.
    n_rows: usize,
    is_length_true: bool,
}

impl<R: Read> Data<R> {
    /// Reads all elements in steps; memory grows with what has arrived unless the length is true.
    fn read<E: Copy + Default>(&mut self, decode: impl Fn(&[u8]) -> E) -> Result<Vec<E>, Error> {
        let mut values = Vec::new();
        if self.is_length_true {
            reserve(&mut values, self.count)?;
        }
        let mut buffer = vec![0; STEP.min(self.count * self.size)];
        let mut left = self.count;
        while left > 0 {
            let n = left.min(STEP / self.size);
            let bytes = &mut buffer[..n * self.size];
            read_exactly(&mut self.source, bytes, "the data")?;
            reserve(&mut values, n)?;
            values.extend(bytes.chunks_exact(self.size).map(&decode));
            left -= n;
        }
        if self.n_rows > 1 { transposed(&values, self.n_rows) } else { Ok(values) }
    }
}

/// Fortran order to C order, in square blocks so that both sides stay in cache.
fn transposed<E: Copy + Default>(values: &[E], n_rows: usize) -> Result<Vec<E>, Error> {
    const BLOCK: usize = 32;
    let n_columns = values.len() / n_rows;
    let mut result = Vec::new();
    reserve(&mut result, values.len())?;
    result.resize(values.len(), E::default());
    for row in (0..n_rows).step_by(BLOCK) {
        for column in (0..n_columns).step_by(BLOCK) {
            for i in row..(row + BLOCK).min(n_rows) {
                for j in column..(column + BLOCK).min(n_columns) {
                    result[i * n_columns + j] = values[j * n_rows + i];
                }
            }
        }
    }
    Ok(result)
}

/// IEEE 754 half precision, exactly.
pub(crate) fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * mantissa * 2.0_f32.powi(-24),
        31 if mantissa == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + mantissa) * 2.0_f32.powi(exponent - 25),
    }
}

/// Writes an array in C order, little-endian, format version 1.
///
/// # Errors
/// Those of `sink`.
///
/// # Panics
/// If `values` are not as many as `shape` says.
pub fn write_npy<E: NpyElement>(mut sink: impl Write, shape: &[usize], values: &[E]) -> std::io::Result<()> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "the shape must fit the number of values");
    sink.write_all(&header_bytes(E::DESCR, shape))?;
    let mut bytes = Vec::with_capacity(STEP);
    for chunk in values.chunks(STEP / size_of::<E>()) {
        bytes.clear();
        for &value in chunk {
            value.put(&mut bytes);
        }
        sink.write_all(&bytes)?;
    }
    Ok(())
}

/// Magic, version, length and text, padded so that the data start at a multiple of 64 bytes.
pub(crate) fn header_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let dimensions: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let dimensions = if shape.len() == 1 { dimensions.trim_end() } else { dimensions.trim_end_matches(", ") };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dimensions}), }}");
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let len = u16::try_from(text.len()).expect("a shape of a few dimensions is short");
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

impl Array {
    /// The array as data to embed: a matrix of which `options` may set columns aside, by number.
    ///
    /// # Errors
    /// When the array is not two-dimensional, has no rows or no feature left, or holds values that are not finite.
    pub fn into_dataset(self, options: &ReadOptions) -> Result<Dataset, Error> {
        let [n_rows, n_columns] = self.shape[..] else { return Err(Error::NotAMatrix { shape: self.shape }) };
        if n_rows == 0 {
            return Err(Error::NoRows { shape: self.shape });
        }
        let roles = Roles::new(options, None, n_columns)?;
        let labels = roles.label.map(|column| {
            let mut labels = LabelsBuilder::new("label".to_owned());
            (0..n_rows).for_each(|row| labels.push(&self.values.text(row * n_columns + column)));
            labels.finish()
        });
        let ids = roles
            .id
            .map(|column| (0..n_rows).map(|row| self.values.text(row * n_columns + column)).collect());
        let n_rounded_integers = self.values.n_rounded();
        let cells = match self.values {
            Values::U8(values) => Cells::U8(select(values, &roles)),
            Values::F32(values) => Cells::F32(select(values, &roles)),
            other => Cells::F64(select(other.into_f64(), &roles)),
        };
        let columns: Vec<usize> = (0..n_columns).filter(|&column| roles.is_feature[column]).collect();
        let bad = BadCells::of(&cells, &columns);
        let mut data = Dataset {
            features: Matrix { cells, n_features: roles.n_features },
            feature_names: None,
            labels,
            ids,
            format: Format::Npy { descr: self.descr },
            n_rounded_integers,
            n_missing: 0,
            n_rows_in_file: n_rows,
            kept_rows: None,
        };
        bad.settle(&mut data, options.missing)?;
        Ok(data)
    }
}

impl Values {
    /// The elements as numbers of rows or entries.
    pub(crate) fn into_indices(self, name: &str) -> Result<Vec<usize>, Error> {
        let indices: Option<Vec<usize>> = (0..self.len()).map(|i| self.whole(i)).collect();
        indices.ok_or_else(|| Error::malformed(format!("array \"{name}\" holds what is no index")))
    }

    /// The elements as numbers of columns.
    pub(crate) fn into_columns(self) -> Result<Vec<u32>, Error> {
        if let Self::U32(columns) = self {
            return Ok(columns);
        }
        let columns: Option<Vec<u32>> =
            (0..self.len()).map(|i| self.whole(i).and_then(|column| u32::try_from(column).ok())).collect();
        columns.ok_or_else(|| Error::malformed("array \"indices\" holds what is no index"))
    }

    /// How many integers `f64` cannot hold.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the loss is what is tested"
    )]
    fn n_rounded(&self) -> usize {
        match self {
            Self::I64(values) => values.iter().filter(|&&x| i128::from(x) != (x as f64) as i128).count(),
            Self::U64(values) => values.iter().filter(|&&x| i128::from(x) != (x as f64) as i128).count(),
            _ => 0,
        }
    }
}

/// The feature columns, packed.
fn select<E: Copy>(mut values: Vec<E>, roles: &Roles) -> Vec<E> {
    if roles.n_features < roles.is_feature.len() {
        let mut is_feature = roles.is_feature.iter().cycle();
        values.retain(|_| *is_feature.next().expect("there is a column"));
    }
    values
}
