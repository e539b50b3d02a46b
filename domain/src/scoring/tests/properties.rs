//! What holds for every cohort of the sample scheme.

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;

/// Something a park may have filed, or not, for every item of the sample scheme.
fn any_entrant(n: u128) -> impl Strategy<Value = Entrant> {
    let values = sample::scheme().items().map(any_value).collect::<Vec<_>>();
    let marks = || prop::collection::vec((0_i64..=500).prop_map(|mark| Decimal::new(mark, 2)), 0..7);
    (values, marks(), marks(), 0_u32..8, prop::option::of(0_i64..3)).prop_map(
        move |(values, first, second, supplements, days)| {
            let scheme = sample::scheme();
            let mut entrant = Entrant { supplements, ..entrant(n) };
            for (item, raw) in scheme.items().zip(values) {
                if let Some(raw) = raw {
                    entrant = entrant.filing(item, raw);
                }
            }
            entrant.marks = BTreeMap::from([("C4".into(), first), ("D3".into(), second)]);
            entrant.last_filed_at =
                days.map(|days| at("2026-03-01T00:00:00Z") + chrono::TimeDelta::days(days));
            entrant
        },
    )
}

fn any_number(max: u64) -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u64..6).prop_map(|n| n.to_string()),
        (0..=max).prop_map(|n| Decimal::new(n.cast_signed(), 2).to_string())
    ]
}

/// A value of the item, few of them so that ties are found, or none.
fn any_value(item: &Item) -> BoxedStrategy<Option<Json>> {
    use crate::assessment_scheme::ItemKind::{
        Attachment, Boolean, Choice, Growth, Inputs, Money, MultiChoice, Number, Ratio, Text,
    };
    let options: Vec<String> = item.options.iter().map(|option| option.value.clone()).collect();
    let value = match item.kind {
        Number | Money => any_number(10_000_000).prop_map(Json::from).boxed(),
        Ratio => (0_u32..=40, 1_u32..=40)
            .prop_map(|(part, rest)| {
                json!({"numerator": part.to_string(), "denominator": (part + rest).to_string()})
            })
            .boxed(),
        Growth => (any_number(9_000_000), prop::option::of(1_u32..90_000))
            .prop_map(|(current, previous)| {
                json!({"current": current, "previous": previous.map(|previous| previous.to_string())})
            })
            .boxed(),
        Choice => prop::sample::select(options).prop_map(Json::from).boxed(),
        MultiChoice => {
            let count = options.len();
            subsequence(options, 0..=count).prop_map(Json::from).boxed()
        }
        Inputs => (any_number(3_000), any_number(100_000))
            .prop_map(|(s, p)| json!({"s": s, "p": p}))
            .boxed(),
        Boolean => prop::bool::weighted(0.1).prop_map(Json::from).boxed(),
        Text | Attachment => return Just(None).boxed(),
    };
    prop::option::weighted(0.9, value).boxed()
}

fn any_cohort() -> impl Strategy<Value = Vec<Entrant>> {
    (0_usize..8).prop_flat_map(|size| (0..size).map(|n| any_entrant(n as u128)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_order_of_the_parks_never_matters((cohort, shuffled) in any_cohort().prop_flat_map(|cohort| {
        (Just(cohort.clone()), Just(cohort).prop_shuffle())
    })) {
        let scheme = sample::scheme();
        prop_assert_eq!(score(&scheme, &cohort), score(&scheme, &shuffled));
    }

    #[test]
    fn sums_are_exact_and_every_part_is_within_its_limits(cohort in any_cohort()) {
        let scheme = sample::scheme();
        for row in score(&scheme, &cohort).rows {
            prop_assert_eq!(row.total, row.base + row.bonus - row.deduction);
            prop_assert_eq!(row.base, row.dimensions.values().copied().sum::<Decimal>());
            prop_assert!(row.base <= Decimal::ONE_HUNDRED && row.base >= Decimal::ZERO);
            prop_assert!(row.bonus <= scheme.bonus_cap && row.deduction <= scheme.deduction_cap);
            for (item, leaf) in scheme.items().zip(&row.leaves) {
                prop_assert_eq!(&item.code, &leaf.code);
                prop_assert!(leaf.points >= Decimal::ZERO && leaf.points <= item.max_score);
                prop_assert_eq!(leaf.points.scale(), 2);
                prop_assert!(!leaf.sentence(item).is_empty());
                let unrounded = leaf.trace.unrounded.unwrap_or_default();
                prop_assert!((unrounded - leaf.points).abs() <= decimal("0.0050000001"));
            }
        }
    }

    #[test]
    fn ranks_are_a_weak_order_of_those_that_are_not_vetoed(cohort in any_cohort()) {
        let rows = score(&sample::scheme(), &cohort).rows;
        prop_assert_eq!(rows.len(), cohort.len());
        let ranked: Vec<&Row> = rows.iter().take_while(|row| !row.vetoed).collect();
        prop_assert!(rows[ranked.len()..].iter().all(|row| row.vetoed && row.rank.is_none()));
        for (place, row) in (1_u32..).zip(&ranked) {
            let rank = row.rank.unwrap();
            let before = ranked.iter().filter(|other| other.rank < row.rank).count();
            prop_assert_eq!(rank as usize, before + 1, "as many stand before as the rank says");
            prop_assert!(rank <= place);
            for other in &ranked {
                if other.total > row.total {
                    prop_assert!(other.rank < row.rank, "more points is a better rank");
                }
                if other.rank == row.rank {
                    prop_assert_eq!(other.total, row.total);
                }
            }
        }
    }

    #[test]
    fn more_of_a_number_never_lowers_its_leaf(
        cohort in any_cohort(), which in any::<Index>(), more in 1_u32..100_000,
    ) {
        prop_assume!(!cohort.is_empty());
        let scheme = sample::scheme();
        let n = which.index(cohort.len());
        for item in scheme.items().filter(|item| ["A1", "A2", "A4", "B1", "D2"].contains(&item.code.as_str())) {
            let mut raised = cohort.clone();
            let Some(Adopted { value: Value::Plain(plain), .. }) = raised[n].adopted.get_mut(&item.code) else {
                continue;
            };
            *plain = (decimal(plain) + Decimal::from(more)).to_string();
            let points = |cohort: &[Entrant]| {
                let outcome = score(&scheme, cohort);
                let row = outcome.rows.iter().find(|row| row.park == cohort[n].park).unwrap();
                row.leaf(&item.code).points
            };
            prop_assert!(points(&raised) >= points(&cohort), "{}", item.code);
        }
    }

    #[test]
    fn a_park_moves_others_only_through_the_best_value(cohort in any_cohort(), alone in any_entrant(0)) {
        let scheme = sample::scheme();
        let by_itself = score(&scheme, std::slice::from_ref(&alone)).rows.remove(0);
        let mut cohort = cohort;
        cohort.retain(|entrant| entrant.park != alone.park);
        cohort.push(alone);
        let outcome = score(&scheme, &cohort);
        for leaf in &outcome.of(0).leaves {
            if leaf.code != "B1" {
                prop_assert_eq!(leaf, by_itself.leaf(&leaf.code));
            }
        }
    }
}
