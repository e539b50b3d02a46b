//! What a workbook consists of: its sheets, and where their parts are.
//!
//! Always: macros, controls, references to other workbooks and to databases are refused here, before a cell is read.

use std::collections::HashMap;
use std::io::Read;

use quick_xml::events::BytesStart;

use super::container::Container;
use super::refusal::{ReadError, SheetRefusal};
use super::xml::{Step, Xml, attribute, malformed};
use super::{Limits, Sheet};

const CONTENT_TYPES: &str = "[content_types].xml";
const PACKAGE_RELATIONSHIPS: &str = "_rels/.rels";
/// A sheet's name has 31 characters in Excel; other programs allow more.
const NAME_CHARACTERS_MAX: usize = 255;
/// Sheets and a handful more have relationships to the workbook.
const RELATIONSHIPS_MAX: usize = 10_000;

/// Where the parts of a workbook are.
#[derive(Debug)]
pub(super) struct Package {
    /// In the order of the tabs, with the path of each; charts and macro sheets are left out.
    pub sheets: Vec<(Sheet, String)>,
    pub shared_strings: Option<String>,
    pub styles: Option<String>,
    /// Days are counted from 1904 (old Excel for Mac).
    pub is_1904: bool,
}

impl Package {
    pub fn read(container: &Container, limits: &Limits) -> Result<Self, ReadError> {
        check_parts(container)?;
        check_content_types(container)?;
        let workbook_path = relationships(container, "", PACKAGE_RELATIONSHIPS)?
            .into_values()
            .find(|relationship| relationship.is("officeDocument"))
            .and_then(|relationship| relationship.path)
            .ok_or_else(malformed)?;
        let (folder, name) = workbook_path.rsplit_once('/').unwrap_or(("", &workbook_path));
        let related = relationships(container, folder, &format!("{folder}/_rels/{name}.rels"))?;
        if related.values().any(|one| one.is("externalLink") || one.is("externalLinkPath")) {
            return Err(SheetRefusal::ExternalLinks.into());
        }
        let path_of = |kind| related.values().find(|one| one.is(kind)).and_then(|one| one.path.clone());
        let mut package = Self {
            sheets: Vec::new(),
            shared_strings: path_of("sharedStrings"),
            styles: path_of("styles"),
            is_1904: false,
        };
        let part = container.part(&workbook_path).ok_or_else(malformed)?;
        package.read_workbook(part, &related, limits)?;
        Ok(package)
    }

    fn read_workbook(
        &mut self,
        part: impl Read,
        related: &HashMap<String, Relationship>,
        limits: &Limits,
    ) -> Result<(), ReadError> {
        let mut xml = Xml::new(part);
        for_each_element(&mut xml, |element| {
            match element.local_name().as_ref() {
                "workbookPr" => {
                    let date1904 = attribute(element, "date1904")?;
                    self.is_1904 = date1904.is_some_and(|value| matches!(&*value, "1" | "true"));
                }
                "sheet" => {
                    let Some(target) = attribute(element, "id")?.and_then(|id| related.get(&*id)) else {
                        return Err(malformed().into());
                    };
                    if !target.is("worksheet") {
                        return Ok(());
                    }
                    if self.sheets.len() >= limits.sheets_max.into() {
                        return Err(SheetRefusal::TooManySheets { sheets_max: limits.sheets_max }.into());
                    }
                    let name = attribute(element, "name")?.unwrap_or_default();
                    let is_hidden = attribute(element, "state")?.is_some_and(|state| state != "visible");
                    let name = name.chars().take(NAME_CHARACTERS_MAX).collect();
                    let path = target.path.clone().ok_or(SheetRefusal::ExternalLinks)?;
                    self.sheets.push((Sheet { name, is_hidden }, path));
                }
                _ => {}
            }
            Ok(())
        })
    }
}

/// What the names of the parts say.
fn check_parts(container: &Container) -> Result<(), SheetRefusal> {
    let has = |name: &str| container.names().any(|part| part == name);
    let found = [
        ("word/document.xml", "Word 文档"),
        ("ppt/presentation.xml", "PowerPoint 演示文稿"),
        ("xl/workbook.bin", "二进制工作簿（.xlsb）"),
        ("mimetype", "OpenDocument 或其他格式的文件"),
    ]
    .into_iter()
    .find_map(|(name, found)| has(name).then_some(found))
    .or_else(|| (!has(CONTENT_TYPES) || !has(PACKAGE_RELATIONSHIPS)).then_some("普通压缩包"));
    if let Some(found) = found {
        return Err(SheetRefusal::NotAWorkbook { found: found.to_owned() });
    }
    for name in container.names() {
        let is_under = |folder: &str| name.contains(&format!("/{folder}/"));
        if name.ends_with("vbaproject.bin") || is_under("macrosheets") || is_under("activex") {
            return Err(SheetRefusal::Macros);
        }
        if is_under("externallinks") || is_under("querytables") || name.ends_with("/connections.xml") {
            return Err(SheetRefusal::ExternalLinks);
        }
    }
    Ok(())
}

/// Macros under another name still have their type.
fn check_content_types(container: &Container) -> Result<(), ReadError> {
    let mut xml = Xml::new(container.part(CONTENT_TYPES).ok_or_else(malformed)?);
    for_each_element(&mut xml, |element| {
        let kind = attribute(element, "ContentType")?.unwrap_or_default().to_ascii_lowercase();
        if kind.contains("macroenabled") || kind.contains("vbaproject") {
            return Err(SheetRefusal::Macros.into());
        }
        Ok(())
    })
}

struct Relationship {
    kind: String,
    /// `None` when it leads out of the file.
    path: Option<String>,
}

impl Relationship {
    /// The kind is a long address of which the end is the same in all versions of the format.
    fn is(&self, kind: &str) -> bool {
        self.kind.rsplit('/').next() == Some(kind)
    }
}

/// Relationships by id; none where there is no such part.
fn relationships(
    container: &Container,
    folder: &str,
    path: &str,
) -> Result<HashMap<String, Relationship>, ReadError> {
    let mut found = HashMap::new();
    let Some(part) = container.part(path.trim_start_matches('/')) else { return Ok(found) };
    for_each_element(&mut Xml::new(part), |element| {
        if element.local_name().as_ref() == "Relationship" && found.len() < RELATIONSHIPS_MAX {
            let id = attribute(element, "Id")?.unwrap_or_default().into_owned();
            let kind = attribute(element, "Type")?.unwrap_or_default().into_owned();
            let target = attribute(element, "Target")?.unwrap_or_default();
            let is_external = attribute(element, "TargetMode")?.is_some_and(|mode| mode == "External");
            let path = if is_external { None } else { resolve(folder, &target) };
            found.insert(id, Relationship { kind, path });
        }
        Ok(())
    })?;
    Ok(found)
}

/// The path of `target` as seen from `folder`. `None` where it leaves the package.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let (mut steps, target) = match target.strip_prefix('/') {
        Some(absolute) => (Vec::new(), absolute),
        None => (folder.split('/').filter(|step| !step.is_empty()).collect(), target),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

fn for_each_element<R: Read>(
    xml: &mut Xml<R>,
    mut look: impl FnMut(&BytesStart<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    loop {
        match xml.next()? {
            Step::Open(element) => look(&element)?,
            Step::End => return Ok(()),
            Step::Close(_) | Step::Text(_) | Step::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_found_from_where_it_is_named() {
        assert_eq!(resolve("xl", "worksheets/sheet1.xml").as_deref(), Some("xl/worksheets/sheet1.xml"));
        assert_eq!(resolve("xl", "/xl/workbook.xml").as_deref(), Some("xl/workbook.xml"));
        assert_eq!(resolve("", "./xl//workbook.xml").as_deref(), Some("xl/workbook.xml"));
        assert_eq!(resolve("xl/worksheets", "../sharedStrings.xml").as_deref(), Some("xl/sharedStrings.xml"));
        assert_eq!(resolve("xl", "../../etc/passwd"), None);
    }
}
