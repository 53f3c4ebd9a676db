//! What a run may cost, and what may not be sent without the user's yes.

use super::world::*;
use crate::budget::{Budget, Limit, Price, Spent};
use crate::context::{Candidate, Relevance, Vocabulary};
use crate::digest::Digest;
use crate::limits::{OUTPUT_TOKENS_MAX, OUTPUT_TOKENS_MIN};
use crate::model::{ChosenModel, ModelError, Models, Usage};
use crate::run::{Asked, Command, Event, Outcome, RunStarted, RunState, Status};
use proptest::prelude::*;

const PRICE: Price =
    Price { input: 1_000_000, output: 10_000_000, cached_input: 100_000, cache_write: 1_000_000 };

fn tokens(most: u64) -> Limit {
    Limit { tokens: Some(most), micro_usd: None }
}

fn start(budget: Budget, model: ChosenModel) -> RunStarted {
    RunStarted { budget, models: Models::only(model), ..start_of(FIX_TESTS) }
}

fn model() -> ChosenModel {
    ChosenModel::named("scripted")
}

fn by() -> String {
    "test".into()
}

fn resumed(budget: Option<Budget>) -> Event {
    Event::ResumeRequested { by: by(), budget }
}

/// A reply that reads, so that the conversation goes on.
fn reading() -> String {
    serde_json::json!({ "actions": [{ "id": "a1", "kind": "read_file", "path": "src/lib.rs" }] }).to_string()
}

fn used(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

#[test]
fn a_run_pauses_where_its_budget_ends_and_a_resume_grants_it_again() {
    let mut world = World::new(&[reading(), reading(), replacing("wrong", "right")]);
    world.usages = [used(30_000, 9_000), used(35_000, 4_000), used(30_000, 500)].into();
    world.start(start(Budget { run: tokens(41_000), ..Budget::default() }, model()));
    let paused = world.ending();
    assert!(paused.starts_with("Paused: `budget.run`, the limit of this run since"), "{paused}");
    assert!(paused.contains("39,000 of 41,000 tokens are spent and the next call to `scripted`"), "{paused}");
    assert!(paused.contains("`openexec resume run-1` grants the same again"), "{paused}");
    assert_eq!((world.model_calls, world.state.spent().tokens), (1, 39_000));
    // The conversation goes on where it stood, as the next turn of the same step.
    world.say(resumed(None));
    assert_eq!((world.model_calls, world.requests[1].turn, world.count("step_started")), (2, 2, 3));
    assert_eq!(world.requests[1].messages.len(), 3);
    assert!(world.ending().starts_with("Paused"), "{}", world.ending());
    assert_eq!(world.state.spent().tokens, 78_000);
    world.say(resumed(Some(Budget { run: tokens(90_000), ..Budget::default() })));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert_eq!(world.requests[2].output_tokens_max, OUTPUT_TOKENS_MAX, "there is room now");
}

#[test]
fn a_reply_is_cut_to_what_the_budget_leaves() {
    let mut world = World::new(&[]);
    let estimated = |world: &World| world.requests[0].estimated_tokens(Vocabulary::Estimated);
    world.start(start(Budget::default(), model()));
    let input = estimated(&world);
    for budget in [
        Budget { call: tokens(input + 2_000), ..Budget::default() },
        Budget { run: tokens(input + 2_000), ..Budget::default() },
        Budget { day: tokens(input + 8_000), ..Budget::default() },
    ] {
        let mut world = World::new(&[]);
        world.start(start(budget, model()));
        assert_eq!(world.requests[0].output_tokens_max, 2_000, "{budget:?}");
    }
    let mut world = World::new(&[]);
    let call = Limit { tokens: None, micro_usd: Some(PRICE.at_most(input, 1_500)) };
    let priced = ChosenModel { price: Some(PRICE), ..model() };
    world.start(start(Budget { call, ..Budget::default() }, priced));
    assert_eq!(world.requests[0].output_tokens_max, 1_500);
}

#[test]
fn a_call_that_is_too_large_is_not_made_and_a_raised_limit_lets_it_be() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start(Budget { call: tokens(1_500), ..Budget::default() }, model()));
    let paused = world.ending();
    assert!(paused.contains("raise `budget.call` in config.yaml, then `openexec resume run-1`"), "{paused}");
    world.say(resumed(None));
    assert!(world.ending().starts_with("Paused") && world.requests.is_empty(), "{}", world.ending());
    world.say(resumed(Some(Budget { call: tokens(50_000), ..Budget::default() })));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}

#[test]
fn money_that_nobody_can_count_is_not_spent() {
    let limit = Limit { tokens: None, micro_usd: Some(5_000_000) };
    let budget = Budget { run: limit, ..Budget::default() };
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(start(budget, model()));
    assert!(world.ending().contains("the price of `scripted` is not known"), "{}", world.ending());
    assert!(world.ending().contains("`price` in config.yaml"), "{}", world.ending());
    assert!(world.requests.is_empty());
    for known in [ChosenModel { is_local: true, ..model() }, ChosenModel { price: Some(PRICE), ..model() }] {
        let mut world = World::new(&[replacing("wrong", "right")]);
        world.start(start(budget, known));
        assert!(world.ending().starts_with("Done"), "{}", world.ending());
    }
}

#[test]
fn a_call_that_broke_off_counts_as_a_whole_and_one_that_was_not_made_as_nothing() {
    let fail = |error: ModelError| {
        let mut world = World::new(&[]);
        world.start(start(Budget::default(), model()));
        let command = world.state.outstanding()[0].id().unwrap();
        let request = &world.requests[0];
        let most = request.estimated_tokens(Vocabulary::Estimated) + u64::from(request.output_tokens_max);
        world.state.apply(&Event::ModelFailed { command, error });
        (world.state.spent().tokens, most)
    };
    let (spent, most) = fail(ModelError::BrokenOff { reason: "reset".into() });
    assert_eq!(spent, most);
    let (spent, _) = fail(ModelError::Unreachable { reason: "refused".into() });
    assert_eq!(spent, 0);
}

#[test]
fn the_budget_of_the_day_pauses_the_conversation_and_not_the_attempt() {
    let mut world = World::new(&[]);
    world.start(start(Budget::default(), model()));
    let command = world.state.outstanding()[0].id().unwrap();
    let error = ModelError::BudgetExhausted {
        model: "scripted".into(),
        spent: Spent { tokens: 9_000, micro_usd: 0 },
        limit: tokens(10_000),
        next: Spent { tokens: 17_000, micro_usd: 0 },
    };
    world.say(Event::ModelFailed { command, error });
    assert_eq!(
        world.ending(),
        "Paused: `budget.day`, the limit of all your runs of today (UTC), does not allow it: 9,000 of 10,000 \
         tokens are spent and the next call to `scripted` would take about 17,000 more; `openexec resume` goes \
         on after 00:00 UTC or when you have raised `budget.day` in config.yaml"
    );
    world.replies.push_back(replacing("wrong", "right"));
    world.say(resumed(None));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
    assert_eq!((world.requests[0].turn, world.requests[1].turn), (1, 1));
}

fn candidate(bytes: usize) -> Candidate {
    Candidate {
        path: Some(path("src/lib.rs")),
        symbol: None,
        lines: None,
        text: "x ".repeat(bytes / 2),
        signature: None,
        relevance: Relevance::Target,
        score: 0,
        signature_line: None,
        record: None,
    }
}

#[test]
fn a_pack_is_cut_to_the_smallest_window() {
    let pack = |window_tokens| {
        let mut world = World::new(&[]);
        world.candidates = (0..20).map(|number| Candidate { score: number, ..candidate(1_500) }).collect();
        for (number, candidate) in world.candidates.iter_mut().enumerate() {
            candidate.text.push_str(&number.to_string());
        }
        let wide = ChosenModel { window_tokens: Some(200_000), ..ChosenModel::named("wide") };
        let narrow = ChosenModel { window_tokens, ..ChosenModel::named("narrow") };
        let models = Models { implement: wide, review: narrow };
        world.start(RunStarted { models, ..start_of(FIX_TESTS) });
        let said = world.journal.iter().rev().find_map(|event| match event {
            Event::StepFinished { outcome, .. } => Some(format!("{outcome:?}")),
            _ => None,
        });
        (world.state.pack().unwrap().tokens, world.state.pack().unwrap().budget_tokens, said.unwrap())
    };
    let (tokens, budget, said) = pack(None);
    assert!(budget == 4_096 && tokens > 3_000 && !said.contains("cut to"), "{tokens} of {budget}: {said}");
    let (tokens, budget, said) = pack(Some(8_192));
    assert!(budget < 4_096 && tokens <= budget && tokens > 0, "{tokens} of {budget}");
    assert!(said.contains("(cut to the window of `narrow`)"), "{said}");
    assert_eq!(pack(Some(1_000)).1, 0, "nothing fits beside the rules");
}

#[test]
fn a_conversation_that_outgrows_the_window_is_not_sent() {
    let mut world = World::new(&[]);
    world.start(start(Budget::default(), model()));
    let window =
        world.requests[0].estimated_tokens(Vocabulary::Estimated) + u64::from(OUTPUT_TOKENS_MIN) + 20;
    let narrow = ChosenModel { window_tokens: Some(window), ..model() };
    let mut world = World::new(&[reading(), replacing("wrong", "right")]);
    world.start(start(Budget::default(), narrow));
    let paused = world.ending();
    assert_eq!(world.requests.len(), 1, "{paused}");
    assert!(paused.contains("and its window holds"), "{paused}");
    assert!(paused.contains("larger window") && paused.contains("`context_tokens`"), "{paused}");
    // A new conversation is short again.
    world.say(resumed(None));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}

fn watched() -> RunStarted {
    RunStarted { approve_requests: true, ..start_of(FIX_TESTS) }
}

fn waiting(world: &World) -> Digest {
    let Status::AwaitingApproval { proposal, what: Asked::Request(summary) } = world.state.status() else {
        panic!("{}", world.ending())
    };
    let request = world.state.waiting_request().unwrap();
    assert_eq!((request.digest(), request.turn), (proposal, summary.turn));
    assert_eq!(summary.input_tokens, request.estimated_tokens(Vocabulary::Estimated));
    proposal
}

/// Remove the wait in `ask_model`, and the first request is carried out unseen.
#[test]
fn each_request_waits_for_a_yes_to_exactly_itself() {
    let mut world = World::new(&[reading(), replacing("wrong", "right")]);
    world.start(watched());
    let first = waiting(&world);
    assert!(world.requests.is_empty() && world.count("model_requested") == 0);
    world.say(Event::Approved { proposal: Digest::of(b"another"), by: by() });
    assert_eq!((waiting(&world), world.requests.len()), (first, 0));
    world.say(Event::Approved { proposal: first, by: by() });
    assert_eq!(world.requests[0].digest(), first);
    // The yes was for that one; the next waits again, and the conversation goes on.
    let second = waiting(&world);
    assert_ne!(first, second);
    world.say(Event::Approved { proposal: first, by: by() });
    assert_eq!((waiting(&world), world.requests.len()), (second, 1));
    world.say(Event::Approved { proposal: second, by: by() });
    assert_eq!((world.requests.len(), world.requests[1].messages.len()), (2, 3));
    assert!(world.ending().starts_with("Done"), "{}", world.ending());
}

#[test]
fn a_refused_request_is_never_sent() {
    let mut world = World::new(&[replacing("wrong", "right")]);
    world.start(watched());
    let waiting = waiting(&world);
    world.say(Event::Refused { proposal: waiting, by: by() });
    assert!(matches!(world.state.status(), Status::Ended { outcome: Outcome::Discarded, .. }));
    assert!(world.ending().contains("was refused by test and not sent"), "{}", world.ending());
    world.say(Event::Approved { proposal: waiting, by: by() });
    assert!(world.requests.is_empty() && world.state.outstanding().is_empty());
}

#[test]
fn a_waiting_request_survives_its_process() {
    let mut world = World::new(&[]);
    world.start(watched());
    let first = waiting(&world);
    let mut later = World::new(&[replacing("wrong", "right")]);
    later.take_up(&world.journal);
    assert_eq!((later.halted.clone(), waiting(&later), later.requests.len()), (None, first, 0));
    later.say(Event::Approved { proposal: first, by: by() });
    assert!(later.ending().starts_with("Done"), "{}", later.ending());
    let mut cancelled = World::new(&[]);
    cancelled.take_up(&world.journal);
    cancelled.say(Event::CancelRequested { by: by() });
    assert!(cancelled.ending().starts_with("Cancelled"), "{}", cancelled.ending());
}

/// What the journal says was spent when each request left, since the last resume.
fn spent_at_requests(journal: &[Event], price: Price) -> Vec<Spent> {
    let (mut spent, mut at_requests) = (Spent::default(), Vec::new());
    for event in journal {
        match event {
            Event::ResumeRequested { .. } => spent = Spent::default(),
            Event::ModelRequested { .. } => at_requests.push(spent),
            Event::ModelReplied { reply, .. } => spent.add(Spent {
                tokens: reply.usage.input_tokens.saturating_add(reply.usage.output_tokens),
                micro_usd: price.of(&reply.usage),
            }),
            _ => {}
        }
    }
    at_requests
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever servers say that replies have cost, no request leaves once the budget is spent,
    /// unless the user has resumed the run meanwhile; and the journal alone gives the same run.
    #[test]
    fn no_request_leaves_an_exhausted_budget(
        usages in prop::collection::vec((0_u64..60_000, 0_u64..20_000, any::<bool>()), 1..20),
        most in 10_000_u64..120_000,
        in_money in any::<bool>(),
    ) {
        let run = match in_money {
            true => Limit { tokens: None, micro_usd: Some(most) },
            false => tokens(most),
        };
        let mut world = World::new(&vec![reading(); usages.len()]);
        world.usages = usages
            .iter()
            .map(|(input, output, huge)| used(if *huge { u64::MAX / 2 } else { *input }, *output))
            .collect();
        world.start(start(Budget { run, ..Budget::default() }, ChosenModel { price: Some(PRICE), ..model() }));
        for _ in 0..usages.len() {
            world.say(resumed(None));
        }
        prop_assert_eq!(world.halted.clone(), None);
        for spent in spent_at_requests(&world.journal, PRICE) {
            prop_assert!(!spent.exceeds(&run), "{:?} of {:?}", spent, run);
        }
        let mut again = RunState::new();
        for event in &world.journal {
            let halted = again.apply(event).iter().any(|command| matches!(command, Command::Halt { .. }));
            prop_assert!(!halted);
        }
        prop_assert_eq!(again.status(), world.state.status());
        prop_assert_eq!(again.spent(), world.state.spent());
        prop_assert_eq!(again.outstanding(), world.state.outstanding());
    }
}

#[test]
fn what_was_taken_says_what_was_counted() {
    let models = Models::only(ChosenModel { price: Some(PRICE), ..model() });
    let told = |input_tokens, output_tokens, tokens| {
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        crate::budget::told(&usage, Spent { tokens, micro_usd: 0 }, &models)
    };
    assert_eq!(told(1_000, 100, 1_100), "1,000 tokens read, 100 written, 0.00 USD");
    assert_eq!(
        told(1_000, 100, 2_300),
        "1,000 tokens read, 100 written (with uncounted ones about 2,300 in all), 0.00 USD"
    );
    // A server that counts nothing is no reason to say that nothing was read.
    assert_eq!(told(0, 0, 3_259), "about 3,259 tokens (an estimate: none were counted), 0.00 USD");
    assert_eq!(told(0, 0, 0), "0 tokens read, 0 written, 0.00 USD");
}
