//! Unfinished blueprints in, stages and names out.

use super::Sketch;
use crate::outline::Outline;

#[test]
fn an_unfinished_blueprint_is_understood_as_far_as_it_goes() {
    let text = "version: 1\nname: x\nstages:\n  - id: a\n    type: agent\n    on_fail\n  - id: b\n    action: run_tests\n    \
                on_success:\n    on_failure: a\n    inputs: [patch, test_rep\n  - id: c\n    action: propose\n";
    let sketch = Sketch::of(&Outline::read(text));
    let ids: Vec<_> = sketch.stages.iter().filter_map(|stage| stage.name()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(sketch.routes_to("a").len(), 1);
    let before = |at: usize| sketch.before(at).iter().filter_map(|stage| stage.name()).collect::<Vec<_>>();
    assert_eq!(before(0), ["a", "b"]);
    assert_eq!(before(2), ["a", "b"]);
    assert_eq!(sketch.stage("a").unwrap().leaves().into_iter().collect::<Vec<_>>(), ["patch"]);
    assert_eq!(sketch.stage("b").unwrap().leaves().into_iter().collect::<Vec<_>>(), ["test_report"]);
    assert_eq!(sketch.run_inputs(), ["instruction", "target"]);
    assert_eq!(sketch.stage_at(text.find("run_tests").unwrap()).unwrap().name(), Some("b"));
}
