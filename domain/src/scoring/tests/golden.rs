//! Four parks worked out by hand (domain.md §5): every leaf, every dimension, every total.

use super::*;

/// What a park gets: its leaves in the order of the scheme's base, dimensions, base, bonus, deduction, total, grade.
struct Expected {
    leaves: [&'static str; 14],
    dimensions: [&'static str; 4],
    sums: [&'static str; 4],
    grade: &'static str,
}

const EXPECTED: [Expected; 4] = [
    Expected {
        leaves: [
            "9.00", "5.50", "5.60", "5.00", "15.00", "7.00", "5.00", "7.00", "7.00", "3.75", "4.43", "5.00",
            "3.33", "5.23",
        ],
        dimensions: ["25.10", "27.00", "22.18", "13.56"],
        sums: ["87.84", "3.00", "0.00", "90.84"],
        grade: "成效明显",
    },
    Expected {
        leaves: [
            "9.50", "6.00", "4.65", "5.00", "10.74", "7.00", "4.00", "7.00", "5.89", "5.00", "4.57", "4.58",
            "3.00", "5.10",
        ],
        dimensions: ["25.15", "21.74", "22.46", "12.68"],
        sums: ["82.03", "3.00", "1.00", "84.03"],
        grade: "成效较好",
    },
    Expected {
        leaves: [
            "7.25", "4.00", "3.00", "5.00", "6.67", "4.00", "3.00", "6.00", "4.90", "3.75", "3.83", "3.75",
            "2.33", "4.00",
        ],
        dimensions: ["19.25", "13.67", "18.48", "10.08"],
        sums: ["61.48", "3.00", "2.00", "62.48"],
        grade: "成效初显",
    },
    Expected {
        leaves: [
            "3.00", "6.00", "3.00", "0.00", "0.73", "7.00", "2.00", "4.00", "2.33", "5.00", "4.13", "5.00",
            "4.00", "4.37",
        ],
        dimensions: ["12.00", "9.73", "15.46", "13.37"],
        sums: ["50.56", "2.00", "0.00", "52.56"],
        grade: "尚在起步",
    },
];

fn cohort() -> Vec<Entrant> {
    (1..).zip(sample::parks()).map(|(n, sample)| sample.entrant(park(n))).collect()
}

#[test]
fn the_four_parks_of_the_sample_score_as_worked_out_by_hand() {
    let outcome = score(&sample::scheme(), &cohort());
    for (row, (n, expected)) in outcome.rows.iter().zip((1..).zip(&EXPECTED)) {
        assert_eq!((row.rank, row.park), (Some(n), park(n.into())));
        let leaves: Vec<String> = row.leaves.iter().map(|leaf| leaf.points.to_string()).collect();
        assert_eq!(leaves[..14], expected.leaves, "leaves of park {n}");
        let dimensions: Vec<(&str, String)> =
            row.dimensions.iter().map(|(code, points)| (code.as_str(), points.to_string())).collect();
        let expected_dimensions =
            ["A", "B", "C", "D"].into_iter().zip(expected.dimensions.map(str::to_owned));
        assert_eq!(dimensions, expected_dimensions.collect::<Vec<_>>(), "dimensions of park {n}");
        let sums = [row.base, row.bonus, row.deduction, row.total].map(|points| points.to_string());
        assert_eq!(sums, expected.sums, "base, bonus, deduction, total of park {n}");
        assert_eq!(row.grade, expected.grade);
        assert!(!row.vetoed && row.excluded.is_empty());
    }
}

#[test]
fn every_leaf_of_the_sample_explains_itself() {
    let scheme = sample::scheme();
    let outcome = score(&scheme, &cohort());
    let lines: Vec<String> = outcome
        .rows
        .iter()
        .flat_map(|row| &row.leaves)
        .map(|leaf| format!("{} {}", leaf.code, leaf.sentence(scheme.item(&leaf.code).unwrap())))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_row_is_stored_and_read_back_as_it_was() {
    let outcome = score(&sample::scheme(), &cohort());
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["rows"][1]["total"], "84.03");
    assert_eq!(json["rows"][1]["dimensions"]["A"], "25.15");
    assert_eq!(
        json["rows"][1]["leaves"][4],
        json!({"code": "B1", "points": "10.74", "trace": {
            "basis": "rule", "input": "61780.25", "measured": "61780.25", "best": "86250.4",
            "unrounded": "10.7443414755"
        }})
    );
    assert_eq!(serde_json::from_value::<Outcome>(json).unwrap(), outcome);
}

#[test]
fn a_vetoed_park_stands_last_without_a_rank_and_others_are_measured_without_it() {
    let mut cohort = cohort();
    let yes = Adopted { value: Value::Boolean(true), verified: true };
    cohort[0].adopted.insert("F3".into(), yes);
    let outcome = score(&sample::scheme(), &cohort);
    assert_eq!(
        outcome.ranks(),
        [(Some(1), park(2)), (Some(2), park(3)), (Some(3), park(4)), (None, park(1))]
    );
    let vetoed = outcome.of(1);
    assert!(vetoed.vetoed);
    assert_eq!(vetoed.grade, "不合格");
    assert_eq!(vetoed.leaf("B1").points, decimal("15.00"), "never above its maxScore");
    assert_eq!(vetoed.total, decimal("90.84"), "what it would have had stays visible");
    let second = outcome.of(2);
    assert_eq!(second.leaf("B1").points, decimal("15.00"), "the best of those that are ranked");
    assert_eq!(second.leaf("B1").trace.best, Some(decimal("61780.25")));
    let sentence = vetoed.leaf("F3").sentence(sample::scheme().item("F3").unwrap());
    assert_eq!(sentence, "采信值 是，一票否决");
}
