//! Blueprints in, drawings out.

use super::Chart;
use crate::blueprint::{examine, load};

fn chart(text: &str) -> Chart {
    Chart::of(&examine("x.yaml", text).blueprint.expect("its graph is known"))
}

const HASTY: &str = "version: 1\nname: \"has<ty> & \\\"co\\\"\"\nstages:\n  - { id: implement, type: agent, goal: x, outputs: [patch] }\n  \
                     - { id: apply_edit, type: deterministic, action: apply_edit }\n  \
                     - { id: extra, type: deterministic, action: run_task, task: 'a \"b\" <c>' }\n";

#[test]
fn an_escape_is_drawn() {
    insta::assert_snapshot!(chart(HASTY).mermaid(), @r#"
    %% has<ty> & "co"
    flowchart TD
      start([start])
      s0(["implement<br/>coding_backend, edits"])
      s1["apply_edit<br/>apply_edit, applies"]
      s2["extra<br/>run_task a #34;b#34; #60;c#62;"]
      done([done])
      fail([fail])
      start --> s0
      s0 -->|"success, owes run_tests"| s1
      s0 -.->|"failure, owes run_tests"| fail
      s1 -->|success| s2
      s1 -.->|"failure, owes run_tests"| fail
      s2 -->|success| done
      s2 -.->|failure| fail
      linkStyle 1 stroke:#d33,stroke-width:3px
    "#);
    insta::assert_snapshot!(chart(HASTY).drawing(), @r#"
    has<ty> & "co" · gates: run_tests

    ┌────────────┐
    │ implement  │ agent coding_backend · edits
    └────────────┘
      success ▼ apply_edit   (owes run_tests; ESCAPES)
      failure ▶ fail   (owes run_tests)
    ┌────────────┐
    │ apply_edit │ deterministic apply_edit · applies
    └────────────┘
      success ▼ extra
      failure ▶ fail   (owes run_tests)
    ┌────────────┐
    │ extra      │ deterministic run_task a "b" <c>
    └────────────┘
      success ▶ done
      failure ▶ fail

    edits would escape their gates: implement -> apply_edit
    "#);
}

#[test]
fn a_proven_blueprint_says_so_and_owes_nothing_where_it_applies() {
    let text = include_str!("../../../../../blueprints/scoped_code_change.yaml");
    let chart = Chart::of(&load("x.yaml", text).unwrap());
    assert!(chart.drawing().ends_with("proven: no edit is applied before its gates\n"));
    assert_eq!(chart.escape, None);
    let into = |to: &str| chart.edges.iter().filter(|edge| edge.to == to).collect::<Vec<_>>();
    assert!(into("apply_edit").iter().all(|edge| edge.owes.is_empty() && edge.walked));
    assert!(into("run_tests").iter().all(|edge| edge.owes == ["run_tests"]), "{:?}", into("run_tests"));
    assert_eq!(chart.edges.len(), chart.stages.len() * 2);
    let json = serde_json::to_value(&chart).unwrap();
    assert_eq!(json["stages"][1]["type"], "agent");
    assert_eq!(json["edges"][0]["on"], "success");
}

#[test]
fn what_no_run_reaches_is_marked() {
    let text = "version: 1\nname: a\nstages:\n  - {id: a, type: deterministic, action: remember, on_success: done}\n  \
                - {id: b, type: deterministic, action: remember}\n";
    let chart = chart(text);
    assert!(chart.drawing().contains("success ▶ done   (no run gets here)"), "{}", chart.drawing());
    assert!(chart.mermaid().contains("linkStyle 3,4 stroke:#999"), "{}", chart.mermaid());
}
