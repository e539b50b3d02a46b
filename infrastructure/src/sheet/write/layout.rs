//! How a table looks: styles, header, widths, drop-downs, protection, print.

use rust_xlsxwriter::{
    Color, DataValidation, Format, FormatAlign, FormatBorder, Formula, Note, ProtectionOptions, Worksheet,
    XlsxError,
};

use super::{Column, ColumnKind, OPTIONS_SHEET, Page};

const LAST_ROW: u32 = 1_048_575;
/// Excel's limit for options that stand in the cell's own rule.
const INLINE_OPTIONS_CHARACTERS_MAX: usize = 255;
const PAPER_A4: u8 = 9;
const HEADER_FILL: Color = Color::RGB(0x00D9_E7F5);
const OPEN_FILL: Color = Color::RGB(0x00FF_F9DB);
const REQUIRED_FILL: Color = Color::RGB(0x00FC_E4D6);
const BORDER: Color = Color::RGB(0x00BF_BFBF);
/// Excel's code for text.
const TEXT_FORMAT: &str = "@";
const DATE_FORMAT: &str = "yyyy-mm-dd";

/// Formats that all sheets share.
#[derive(Debug)]
pub(super) struct Styles {
    pub title: Format,
    pub wrapped: Format,
    header: Format,
    required: Format,
}

impl Default for Styles {
    fn default() -> Self {
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Center)
            .set_align(FormatAlign::VerticalCenter)
            .set_border(FormatBorder::Thin)
            .set_border_color(BORDER);
        Self {
            title: Format::new().set_bold(),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            required: header.clone().set_background_color(REQUIRED_FILL),
            header: header.set_background_color(HEADER_FILL),
        }
    }
}

impl Styles {
    /// How the cells of a column look.
    pub fn cell(&self, column: &Column, is_protected: bool) -> Format {
        let format = self.of_kind(column.kind);
        if is_protected && column.is_open { format.set_unlocked() } else { format }
    }

    /// How a single cell looks that is to be filled in.
    pub fn open_cell(&self, kind: ColumnKind) -> Format {
        self.of_kind(kind)
            .set_unlocked()
            .set_background_color(OPEN_FILL)
            .set_border(FormatBorder::Thin)
            .set_border_color(BORDER)
    }

    fn of_kind(&self, kind: ColumnKind) -> Format {
        let format = match kind {
            ColumnKind::Text => self.wrapped.clone().set_num_format(TEXT_FORMAT),
            ColumnKind::Number { places: 0 } => Format::new().set_num_format("0"),
            ColumnKind::Number { places } => {
                Format::new().set_num_format(format!("0.{}", "0".repeat(places as usize)))
            }
            ColumnKind::Decimal => Format::new(),
            ColumnKind::Date => Format::new().set_num_format(DATE_FORMAT),
        };
        format.set_align(FormatAlign::Top)
    }

    fn header(&self, column: &Column) -> &Format {
        if column.is_required { &self.required } else { &self.header }
    }
}

/// Writes what stands above the rows, sets up the page, and returns the row of the header.
pub(super) fn lay_out(
    sheet: &mut Worksheet,
    page: &Page,
    columns: &[Column],
    styles: &Styles,
    option_lists: &mut Vec<Vec<String>>,
) -> Result<u32, XlsxError> {
    let mut header_row = 0;
    for line in &page.lines {
        sheet.write_string_with_format(header_row, 0, super::disarmed(line), &styles.title)?;
        header_row += 1;
    }
    for (number, column) in (0..).zip(columns) {
        sheet.set_column_width(number, column.width)?;
        // Also for the cells that nobody has written yet: that is where a template is filled in.
        sheet.set_column_format(number, &styles.cell(column, page.is_protected))?;
        sheet.write_string_with_format(header_row, number, &column.title, styles.header(column))?;
        if let Some(text) = note(column) {
            sheet.insert_note(header_row, number, &Note::new(text).add_author_prefix(false))?;
        }
        if !column.options.is_empty() {
            restrict(sheet, (header_row + 1, LAST_ROW), number, &column.options, option_lists)?;
        }
    }
    sheet.set_freeze_panes(header_row + 1, 0)?;
    sheet.set_repeat_rows(header_row, header_row)?;
    sheet.set_paper_size(PAPER_A4).set_print_fit_to_pages(1, 0).set_footer("&C第 &P 页，共 &N 页");
    if page.is_landscape {
        sheet.set_landscape();
    }
    if page.is_protected {
        sheet.protect_with_options(&ProtectionOptions {
            format_columns: true,
            format_rows: true,
            ..ProtectionOptions::default()
        });
    }
    Ok(header_row)
}

fn note(column: &Column) -> Option<String> {
    match (&column.note, column.is_required) {
        (Some(note), true) => Some(format!("必填。{note}")),
        (Some(note), false) => Some(note.clone()),
        (None, true) => Some("必填。".to_owned()),
        (None, false) => None,
    }
}

/// Lets only `options` be chosen in `column` of these rows. Long lists go to a sheet of their own, once each.
pub(super) fn restrict(
    sheet: &mut Worksheet,
    rows: (u32, u32),
    column: u16,
    options: &[String],
    option_lists: &mut Vec<Vec<String>>,
) -> Result<(), XlsxError> {
    // Lengths as Excel counts them, commas between; a comma inside of an option would end it.
    let length = options.iter().map(|option| option.encode_utf16().count() + 1).sum::<usize>();
    let is_inline =
        length <= INLINE_OPTIONS_CHARACTERS_MAX && !options.iter().any(|option| option.contains([',', '"']));
    let rule =
        DataValidation::new().set_error_title("内容不在选项中")?.set_error_message("请从下拉列表中选择")?;
    let rule = if is_inline {
        rule.allow_list_strings(options)?
    } else {
        let list = option_lists.iter().position(|known| known == options).unwrap_or_else(|| {
            option_lists.push(options.to_vec());
            option_lists.len() - 1
        });
        let letters = crate::sheet::column_letters(u16::try_from(list).unwrap_or(u16::MAX));
        let range = format!("='{OPTIONS_SHEET}'!${letters}$1:${letters}${}", options.len());
        rule.allow_list_formula(Formula::new(range))
    };
    sheet.add_data_validation(rows.0, column, rows.1, column, &rule)?;
    Ok(())
}
