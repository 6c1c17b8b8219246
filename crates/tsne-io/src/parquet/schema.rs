//! The schema of a Parquet file as columns of a table: which hold numbers, which text, and which what is not read.

use parquet::basic::{ConvertedType as Old, LogicalType, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

/// A numeric type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Bool,
    /// 8 bits without a sign.
    Byte,
    Signed32,
    Unsigned32,
    Signed64,
    Unsigned64,
    Half,
    Single,
    Double,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(Number),
    Text,
    /// Something else, by its name.
    Other(String),
}

/// A column of the table: one leaf of the schema, or what is not read.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Number of its first leaf.
    pub(super) leaf: usize,
    /// Whether a row has a list of values.
    pub(super) is_list: bool,
}

impl Field {
    /// The columns of a table.
    pub(super) fn all(schema: &SchemaDescriptor) -> Vec<Self> {
        let mut fields = Vec::new();
        let mut leaf = 0;
        for (number, root) in schema.root_schema().get_fields().iter().enumerate() {
            let leaves = &schema.columns()[leaf..];
            let n_leaves =
                (0..leaves.len()).take_while(|at| schema.get_column_root_idx(leaf + at) == number).count();
            let is_list = leaves.first().is_some_and(|leaf| leaf.max_rep_level() == 1);
            // A struct of one number is no number.
            let is_read = n_leaves == 1 && (is_list || root.is_primitive());
            let kind = match leaves.first() {
                Some(leaf) if is_read && leaf.max_rep_level() <= 1 => kind(leaf),
                _ => Kind::Other("nested values".to_owned()),
            };
            fields.push(Self { name: root.name().to_owned(), kind, leaf, is_list });
            leaf += n_leaves;
        }
        fields
    }
}

fn kind(leaf: &ColumnDescriptor) -> Kind {
    use Kind::{Number as N, Text};
    use Number as Of;
    match (leaf.physical_type(), logical(leaf)) {
        (Physical::BOOLEAN, None) => N(Of::Bool),
        (Physical::INT32, None) => N(Of::Signed32),
        (Physical::INT64, None) => N(Of::Signed64),
        (Physical::INT32, Some(LogicalType::Integer(int))) => N(match (int.is_signed, int.bit_width) {
            (true, _) => Of::Signed32,
            (false, 8) => Of::Byte,
            (false, _) => Of::Unsigned32,
        }),
        (Physical::INT64, Some(LogicalType::Integer(int))) => {
            N(if int.is_signed { Of::Signed64 } else { Of::Unsigned64 })
        }
        (Physical::FLOAT, None) => N(Of::Single),
        (Physical::DOUBLE, None) => N(Of::Double),
        (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)) if leaf.type_length() == 2 => {
            N(Of::Half)
        }
        (Physical::BYTE_ARRAY, None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json)) => {
            Text
        }
        (_, Some(logical)) => Kind::Other(format!("{logical:?}")),
        (physical, None) => Kind::Other(physical.to_string()),
    }
}

/// What the values stand for; files of old say so by converted types alone.
fn logical(leaf: &ColumnDescriptor) -> Option<LogicalType> {
    if let Some(logical) = leaf.logical_type_ref() {
        return Some(logical.clone());
    }
    Some(match leaf.converted_type() {
        Old::NONE => return None,
        Old::UTF8 => LogicalType::String,
        Old::ENUM => LogicalType::Enum,
        Old::JSON => LogicalType::Json,
        Old::INT_8 => LogicalType::integer(8, true),
        Old::INT_16 => LogicalType::integer(16, true),
        Old::INT_32 => LogicalType::integer(32, true),
        Old::INT_64 => LogicalType::integer(64, true),
        Old::UINT_8 => LogicalType::integer(8, false),
        Old::UINT_16 => LogicalType::integer(16, false),
        Old::UINT_32 => LogicalType::integer(32, false),
        Old::UINT_64 => LogicalType::integer(64, false),
        Old::DATE => LogicalType::Date,
        // Their scale and unit are of no concern, as they are not read.
        Old::DECIMAL => LogicalType::decimal(0, 0),
        Old::BSON => LogicalType::Bson,
        _ => LogicalType::Unknown,
    })
}
