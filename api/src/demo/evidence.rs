//! The evidence that demo parks hand in: a page that says what it is.

use std::fmt::Write as _;

use anyhow::bail;
use domain::id::FileId;
use domain::stored_file::{Content, ContentType, Scan, StoredFile, StoredFileCommand};

use super::{DemoPark, Story};

impl Story<'_> {
    /// A file of the park's owner.
    pub(super) async fn evidence(&self, park: &DemoPark) -> anyhow::Result<FileId> {
        let id = self.app.clock.new_id();
        let mut incoming = self.state.files.receive(id);
        incoming.write(page(&format!("{}：考核佐证材料（示例）", park.sample.name)).into()).await?;
        let file = incoming.finish().await?;
        let scan = self.state.files.scan(&file).await?;
        if matches!(scan, Scan::Infected { .. }) {
            bail!("the scanner refuses the demo's evidence");
        }
        let content =
            Content { sha256: file.sha256.clone(), size: file.size, content_type: ContentType::Pdf };
        self.state.files.keep(file).await?;
        let name = Some("佐证材料.pdf".to_owned());
        let receive = StoredFileCommand::Receive { content, name, scan };
        self.execute::<StoredFile>(id, &park.member(), receive).await?;
        Ok(FileId(id))
    }
}

/// A PDF of one A4 page with one line of text, in a Chinese font that readers bring along.
fn page(text: &str) -> Vec<u8> {
    let hex = text.encode_utf16().fold(String::new(), |mut hex, unit| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{unit:04X}");
        hex
    });
    let line = format!("BT /F1 20 Tf 72 740 Td <{hex}> Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{line}\nendstream", line.len()),
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H \
         /DescendantFonts [6 0 R] >>"
            .to_owned(),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo \
         << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /FontDescriptor 7 0 R /DW 1000 >>"
            .to_owned(),
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] \
         /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
            .to_owned(),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(&objects) {
        // As above, and below.
        let _ = writeln!(table, "{:010} 00000 n ", pdf.len());
        let _ = write!(pdf, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (at, size) = (pdf.len(), objects.len() + 1);
    let _ = write!(pdf, "{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n");
    pdf.into_bytes()
}
