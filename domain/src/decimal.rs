//! Exact decimals as people type and paste them.
//!
//! Always: a [`Decimal`] that came through [`parse`] is the number that was written, within its [`Bounds`], and without
//! needless zeros. Full-width digits and invisible characters are forgiven; units, separators and exponents are not,
//! because a guess at what they mean could be wrong by a factor.

use rust_decimal::Decimal;

use crate::refusal::FieldError;
use crate::text;

/// Digits before the point that are looked at: more than any bound has, fewer than a [`Decimal`] holds.
const WHOLE_DIGITS_MAX: usize = 13;

/// Between what a number may lie.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The smallest allowed.
    pub min: Decimal,
    /// The greatest allowed.
    pub max: Decimal,
    /// Places after the point.
    pub places: usize,
}

/// The number in `raw`, or the error at `pointer`.
pub fn parse(pointer: &str, raw: &str, bounds: &Bounds) -> Result<Decimal, FieldError> {
    let malformed = || {
        let detail = "请填写数字，如 1234.56，不带单位和千位分隔符";
        FieldError::new(pointer, "decimal.malformed", detail)
    };
    let out_of_range = || {
        let detail = format!("应在 {} 至 {} 之间", bounds.min, bounds.max);
        FieldError::new(pointer, "decimal.out_of_range", detail)
    };
    let code = text::fold_code(raw);
    let (sign, unsigned) = code.strip_prefix('-').map_or(("", code.as_str()), |rest| ("-", rest));
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) {
        return Err(malformed());
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.unwrap_or_default().trim_end_matches('0');
    if fraction.len() > bounds.places {
        let detail = format!("最多 {} 位小数", bounds.places);
        return Err(FieldError::new(pointer, "decimal.too_precise", detail));
    }
    if whole.len() > WHOLE_DIGITS_MAX {
        return Err(out_of_range());
    }
    let number = Decimal::from_str_exact(&format!("{sign}0{whole}.{fraction}0")).map_err(|_| malformed())?;
    if !(bounds.min..=bounds.max).contains(&number) {
        return Err(out_of_range());
    }
    Ok(number.normalize())
}
