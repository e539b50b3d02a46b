//! The three tables of the workbook: 排名, 指标得分明细, 计分规则.

use domain::assessment_scheme::{Dimension, Item, LAST_FILED_AT, Scheme, Value};
use domain::calendar::wall_clock;
use domain::filing_template::one_line;
use domain::region::Region;
use domain::scoring::rule_sentence;
use infrastructure::sheet::{Column, ColumnKind, Entry, Page, WorkbookWriter, WriteError};
use projections::ranking::RankingRow;
use rust_decimal::Decimal;

use super::{Details, Export};

/// Points have two places.
const POINTS: ColumnKind = ColumnKind::Number { places: 2 };
const WHOLE: ColumnKind = ColumnKind::Number { places: 0 };

fn column(title: &str, width: f64, kind: ColumnKind) -> Column {
    Column::new(title, width, kind)
}

fn text(title: &str, width: f64) -> Column {
    column(title, width, ColumnKind::Text)
}

fn points(points: Option<&str>) -> Entry<'_> {
    points.and_then(|points| Decimal::from_str_exact(points).ok()).map_or(Entry::Blank, Entry::Number)
}

fn whole<'a>(number: Option<i32>) -> Entry<'a> {
    number.map_or(Entry::Blank, |number| Entry::Number(Decimal::from(number)))
}

impl Export {
    /// What stands above each table.
    fn page(&self, about: &str) -> Page {
        let mut lines = vec![format!("{}{about}", self.title)];
        lines.push(match &self.organizer {
            Some(organizer) => format!("{}　主办单位：{organizer}", self.zone),
            None => self.zone.clone(),
        });
        lines.push(match &self.view.publicity {
            Some(publicity) => format!("{}　公示自 {}", self.standing(), wall_clock(publicity.from)),
            None => self.standing(),
        });
        lines.push(format!("导出：{}　{}　编号 {}", self.exported_by, wall_clock(self.at), self.number));
        lines.push(format!("计分数据校验值（SHA-256）：{}", self.inputs_hash()));
        Page { lines, is_landscape: true, is_protected: false }
    }

    pub(super) fn ranking(&self, writer: &mut WorkbookWriter) -> Result<(), WriteError> {
        // Whether the reader sees more than places, totals and grades.
        let is_detailed = self.view.rows.iter().any(|row| row.base.is_some());
        let mut columns = vec![
            column("名次", 7.0, WHOLE),
            text("园区/基地", 30.0),
            text("类型", 7.0),
            text("所在区", 16.0),
            column("总分", 9.0, POINTS),
            text("等次", 12.0),
            text("一票否决", 9.0),
        ];
        if is_detailed {
            columns.push(column("基本分", 9.0, POINTS));
            columns
                .extend(self.view.dimensions.iter().map(|code| column(&self.dimension(code), 14.0, POINTS)));
            columns.push(column("加分", 8.0, POINTS));
            columns.push(column("扣分", 8.0, POINTS));
            columns.push(column("补填项数", 9.0, WHOLE));
            columns.push(column("上年名次", 9.0, WHOLE));
            columns.push(column("名次变化", 9.0, WHOLE));
            columns.push(text("备注", 10.0));
        }
        let mut table = writer.table("排名", &self.page("排名"), &columns)?;
        for row in &self.view.rows {
            let district = row.district.as_deref().map(district).unwrap_or_default();
            let mut entries = place(row, &district);
            if is_detailed {
                entries.extend(self.scores(row));
            }
            table.row(&entries)?;
        }
        Ok(())
    }

    fn scores<'a>(&'a self, row: &'a RankingRow) -> Vec<Entry<'a>> {
        let of = |code: &String| row.dimensions.as_ref().and_then(|all| all[code].as_str());
        let mut entries = vec![points(row.base.as_deref())];
        entries.extend(self.view.dimensions.iter().map(|code| points(of(code))));
        entries.push(points(row.bonus.as_deref()));
        entries.push(points(row.deduction.as_deref()));
        entries.extend([whole(row.supplements), whole(row.previous_rank), whole(row.delta)]);
        entries.push(Entry::Text(if row.own { "本单位" } else { "" }));
        entries
    }

    fn dimension(&self, code: &str) -> String {
        let scheme = self.scheme.as_ref();
        let found =
            scheme.and_then(|scheme| scheme.dimensions.iter().find(|dimension| dimension.code == code));
        found.map_or_else(|| code.to_owned(), |dimension| format!("{} {}", dimension.code, dimension.name))
    }

    pub(super) fn details(&self, writer: &mut WorkbookWriter, scheme: &Scheme) -> Result<(), WriteError> {
        let columns = [
            text("园区/基地", 24.0),
            text("维度", 14.0),
            text("指标编码", 10.0),
            text("指标", 28.0),
            column("分值", 7.0, ColumnKind::Decimal),
            text("填报值", 26.0),
            text("补填", 6.0),
            text("采信值", 26.0),
            column("得分", 8.0, POINTS),
            text("计算说明", 50.0),
            text("备注", 30.0),
        ];
        let about =
            if self.is_staff { "　全部指标得分明细" } else { "　本单位指标得分明细" };
        let mut page = self.page(about);
        if self.details.iter().any(|details| details.behind.is_none()) {
            page.lines.push(
                "该版本之后考核数据已更正，故不列填报值、采信值和计算说明；得分为该版本的得分".to_owned(),
            );
        }
        let mut table = writer.table("指标得分明细", &page, &columns)?;
        for details in &self.details {
            let name = self.view.rows.iter().find(|row| row.park_id == details.park);
            let name = name.map(|row| row.park_name.as_str()).unwrap_or_default();
            let items = scheme.dimensions.iter().flat_map(|of| of.items.iter().map(move |item| (of, item)));
            for (index, (dimension, item)) in items.enumerate() {
                let line = Line::of(details, item, index);
                table.row(&line.entries(name, dimension, item))?;
            }
        }
        Ok(())
    }

    pub(super) fn rules(&self, writer: &mut WorkbookWriter, scheme: &Scheme) -> Result<(), WriteError> {
        let columns = [
            text("维度", 16.0),
            text("指标编码", 10.0),
            text("指标", 30.0),
            text("单位", 8.0),
            column("分值", 7.0, ColumnKind::Decimal),
            text("数据来源", 14.0),
            text("计分规则", 60.0),
            text("填报说明", 40.0),
        ];
        let mut page = self.page("　计分规则");
        page.lines.extend(overall(scheme));
        let mut table = writer.table("计分规则", &page, &columns)?;
        for dimension in &scheme.dimensions {
            let name = format!("{} {}", dimension.code, dimension.name);
            for item in &dimension.items {
                table.row(&[
                    Entry::Text(&name),
                    Entry::Text(&item.code),
                    Entry::Text(&item.name),
                    Entry::Text(item.unit.as_deref().unwrap_or_default()),
                    Entry::Number(item.max_score),
                    Entry::Text(item.source.label()),
                    Entry::Text(&rule_sentence(item)),
                    Entry::Text(item.help.as_deref().unwrap_or_default()),
                ])?;
            }
        }
        Ok(())
    }
}

fn place<'a>(row: &'a RankingRow, district: &'a str) -> Vec<Entry<'a>> {
    vec![
        whole(row.rank),
        Entry::Text(&row.park_name),
        Entry::Text(if row.kind == "base" { "基地" } else { "园区" }),
        Entry::Text(district),
        points(Some(&row.total)),
        Entry::Text(&row.grade),
        Entry::Text(if row.vetoed { "是" } else { "" }),
    ]
}

fn district(code: &str) -> String {
    Region::parse(code).map_or_else(|_| code.to_owned(), Region::display_name)
}

/// One item of one park, in words.
#[derive(Default)]
struct Line {
    filed: String,
    supplemented: &'static str,
    adopted: String,
    points: Option<String>,
    sentence: String,
    remark: String,
}

impl Line {
    /// `index` is that of the item in the scheme.
    fn of(details: &Details, item: &Item, index: usize) -> Self {
        let mut line = Self { points: details.points.get(&item.code).cloned(), ..Self::default() };
        let Some((submission, leaves)) = &details.behind else { return line };
        line.sentence = leaves.get(index).map(|leaf| leaf.sentence(item)).unwrap_or_default();
        let Some(state) = submission.items.get(&item.code) else { return line };
        let shown = |value: &Value| one_line(item, value);
        line.filed = state.filed.as_ref().map(|filed| shown(&filed.entry.value)).unwrap_or_default();
        line.adopted = state.adopted.as_ref().map(|adopted| shown(&adopted.value)).unwrap_or_default();
        line.supplemented = if state.supplemented { "是" } else { "" };
        let reason = state.adopted.as_ref().and_then(|adopted| adopted.reason.clone());
        let disputed = (!state.objections.is_empty()).then(|| "经异议复核调整".to_owned());
        line.remark = reason.into_iter().chain(disputed).collect::<Vec<_>>().join("；");
        line
    }

    fn entries<'a>(&'a self, park: &'a str, dimension: &'a Dimension, item: &'a Item) -> [Entry<'a>; 11] {
        [
            Entry::Text(park),
            Entry::Text(&dimension.name),
            Entry::Text(&item.code),
            Entry::Text(&item.name),
            Entry::Number(item.max_score),
            Entry::Text(&self.filed),
            Entry::Text(self.supplemented),
            Entry::Text(&self.adopted),
            points(self.points.as_deref()),
            Entry::Text(&self.sentence),
            Entry::Text(&self.remark),
        ]
    }
}

/// What holds for all items together.
fn overall(scheme: &Scheme) -> Vec<String> {
    let shown = |number: Decimal| number.normalize().to_string();
    let grades: Vec<String> =
        scheme.grades.iter().map(|grade| format!("{} 分及以上 {}", shown(grade.min), grade.name)).collect();
    let (each, cap) = (shown(scheme.supplement_deduction.each), shown(scheme.supplement_deduction.cap));
    let ties: Vec<String> = scheme.tie_break.iter().map(|code| tie(scheme, code)).collect();
    vec![
        format!(
            "加分合计最多 {} 分，扣分合计最多 {} 分；补填每项扣 {each} 分，最多 {cap} 分",
            shown(scheme.bonus_cap),
            shown(scheme.deduction_cap)
        ),
        format!("等次：{}；一票否决的为“{}”，不参加排名", grades.join("，"), scheme.veto_grade),
        format!("总分相同依次比较：{}；仍相同的名次并列", ties.join("、")),
    ]
}

fn tie(scheme: &Scheme, code: &str) -> String {
    if code == LAST_FILED_AT {
        return "最后填报时间".to_owned();
    }
    let dimension =
        scheme.dimensions.iter().find(|dimension| dimension.code == code).map(|found| &found.name);
    let name = dimension.or_else(|| scheme.item(code).map(|item| &item.name));
    name.map_or_else(|| code.to_owned(), |name| format!("{code} {name}"))
}
