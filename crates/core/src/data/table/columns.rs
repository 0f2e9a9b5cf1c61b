//! Which column of a table is the label, and what the others are called.

use csv::ByteRecord;

use super::{Place, TableOptions, shown};
use crate::Result;

/// Names that mark the label column where none is given.
const LABEL_NAMES: [&str; 3] = ["label", "class", "target"];

/// What the first record and the options say about all of them.
pub(super) struct Columns {
    pub(super) has_header: bool,
    pub(super) label: usize,
    pub(super) width: usize,
    pub(super) names: Vec<String>,
}

impl Columns {
    pub(super) fn new(first: &ByteRecord, options: &TableOptions, place: Place) -> Result<Self> {
        let fields: Vec<String> = first.iter().map(|field| shown(field).trim().to_string()).collect();
        let is_label = |field: &String| match &options.label_column {
            Some(name) => field == name,
            None => LABEL_NAMES.iter().any(|name| field.eq_ignore_ascii_case(name)),
        };
        let is_number = |field: &String| field.parse::<f64>().is_ok();
        let has_header = options.header.unwrap_or_else(|| {
            !fields.iter().any(is_number) || fields.iter().any(|field| is_label(field) && !is_number(field))
        });
        let named: Vec<usize> =
            (0..fields.len()).filter(|&column| has_header && fields.get(column).is_some_and(is_label)).collect();
        let label = match (named.as_slice(), &options.label_column) {
            (&[one], _) => one,
            (&[], None) => fields.len().saturating_sub(1),
            (&[], Some(given)) => index(given, fields.len()).ok_or_else(|| {
                let found = if has_header {
                    format!("the columns {}", listed(&fields))
                } else {
                    format!("{} columns without header", fields.len())
                };
                place.error(None, found, format!("a label column {given:?} (a name of the header, or an index from 0)"))
            })?,
            (several, _) => {
                let found = format!("{} columns that may be the label: {several:?}", several.len());
                return Err(place.error(None, found, "one; give its index"));
            }
        };
        if fields.len() < 2 {
            let found = format!("{} column", fields.len());
            return Err(place.error(None, found, "at least one column of numbers and one of labels"));
        }
        let name = |(column, field): (usize, String)| if has_header { field } else { column.to_string() };
        let width = fields.len();
        let names = fields.into_iter().enumerate().filter(|&(column, _)| column != label).map(name).collect();
        Ok(Self { has_header, label, width, names })
    }
}

/// A column by its index, negative from the end.
fn index(given: &str, width: usize) -> Option<usize> {
    let index: i64 = given.trim().parse().ok()?;
    let width = i64::try_from(width).ok()?;
    let index = if index < 0 { index.checked_add(width)? } else { index };
    (0..width).contains(&index).then_some(index as usize)
}

fn listed(fields: &[String]) -> String {
    let some: Vec<String> = fields.iter().take(20).map(|field| format!("{field:?}")).collect();
    some.join(", ") + if fields.len() > 20 { ", ..." } else { "" }
}
