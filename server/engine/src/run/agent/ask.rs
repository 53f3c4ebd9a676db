//! Before a request leaves and after it was answered: what it may take of the budget, whether it
//! fits into the model's window, whether the user wants to see it first, what it has cost.

use super::super::state::{Active, Phase, record};
use super::super::{Command, Event};
use super::{Conversation, Waits};
use crate::action::ActionKind;
use crate::budget::{self, Exceeded, Limit, Scope};
use crate::context::Envelopes;
use crate::limits::{STEP_TURNS_MAX, WINDOW_REPLY_PERCENT, WINDOW_TALK_PERCENT};
use crate::model::{ChosenModel, Message, ModelError, ModelReply, ModelRequest, tokens_of_actions};
use crate::run::prompt;

impl Active {
    /// Asks for the next reply, unless there is no turn, no room or no budget left for it.
    ///
    /// INVARIANT: this and the user's yes to what it put forward are the only ways to
    /// [`Self::send`], so that no request leaves which a limit forbids.
    pub(in crate::run) fn ask_model(&mut self, mut talk: Box<Conversation>, out: &mut Vec<Command>) {
        let Some(step) = self.step.clone() else {
            return;
        };
        if talk.turn >= STEP_TURNS_MAX {
            return self.fail(format!("the model did not finish within {STEP_TURNS_MAX} turns"), out);
        }
        let model = self.start.models.of_stage(talk.edits).clone();
        let mut request = ModelRequest {
            model: model.name.clone(),
            stage: step.stage.id.clone(),
            step: step.id,
            attempt: step.attempt,
            turn: talk.turn + 1,
            system: talk.system.clone(),
            messages: talk.messages.clone(),
            actions: ActionKind::ALL.into_iter().filter(|kind| talk.toolset.actions.contains(kind)).collect(),
            output_tokens_max: model.output_ceiling(),
        };
        self.seal(&mut request);
        let input_tokens = request.estimated_tokens(model.vocabulary);
        match budget::output_allowed(&model, input_tokens, &self.budget, self.spent_since_resume) {
            Ok(tokens) => request.output_tokens_max = tokens,
            Err(exceeded) => return self.out_of_budget(talk, &exceeded, out),
        }
        talk.turn = request.turn;
        talk.asked = (input_tokens, request.output_tokens_max);
        if !self.start.approve_requests {
            return self.send(talk, Box::new(request), out);
        }
        let digest = request.digest();
        record(
            Event::RequestProposed {
                step: step.id,
                turn: request.turn,
                model: request.model.clone(),
                request: digest,
                tokens: input_tokens,
            },
            out,
        );
        self.phase = Phase::Request { digest, request: Box::new(request), talk };
    }

    /// Looks once more at all that is about to leave. A secret in it, which may have been met only
    /// after the text was written, is replaced. Each envelope is looked at for itself, and so is what
    /// stands between them: where one file speaks of the beginning of a key and another of its end,
    /// there is no key, and what is between the two must stay.
    fn seal(&mut self, request: &mut ModelRequest) {
        let mut texts: Vec<&mut String> = request.messages.iter_mut().flat_map(texts_of).collect();
        // What the last text gives away may stand in the first.
        let parts = texts.iter().flat_map(|text| Envelopes::parts(text));
        parts.for_each(|part| self.redactions.survey(part));
        for text in &mut texts {
            if let Some(sealed) = self.redactions.sealed(text) {
                **text = sealed;
            }
        }
    }

    /// Lets a request leave. Where the user wants to see each, this one was approved.
    pub(in crate::run) fn send(
        &mut self,
        mut talk: Box<Conversation>,
        request: Box<ModelRequest>,
        out: &mut Vec<Command>,
    ) {
        self.requests += 1;
        let id = self.next_command();
        record(
            Event::ModelRequested {
                command: id,
                step: request.step,
                turn: request.turn,
                model: request.model.clone(),
                request: request.digest(),
            },
            out,
        );
        out.push(Command::CallModel { id, request });
        talk.waits = Waits::Model { command: id };
        self.phase = Phase::Agent(talk);
    }

    /// Pauses with the numbers, and with what to do about them.
    fn out_of_budget(&mut self, talk: Box<Conversation>, exceeded: &Exceeded, out: &mut Vec<Command>) {
        let resume = format!("openexec resume {}", self.start.run);
        match exceeded.scope() {
            // The conversation goes on where it stands: nothing of it is paid for twice.
            Some(Scope::Run) => {
                let reason = format!(
                    "{exceeded}; `{resume}` grants the same again, and takes over what you have changed \
                     of `budget.run` in config.yaml"
                );
                self.pause_talk(talk, reason, out);
            }
            Some(scope @ (Scope::Call | Scope::Day)) => {
                let key = scope.key();
                let reason = format!("{exceeded}; raise `{key}` in config.yaml, then `{resume}`");
                self.pause_talk(talk, reason, out);
            }
            None => {
                let remedy = match exceeded {
                    Exceeded::Window { .. } => format!(
                        "`{resume}` begins the stage with a new, shorter conversation; or start a run with a \
                         model that has a larger window, or set a smaller `context_tokens` in config.yaml"
                    ),
                    Exceeded::Unpriced { model, .. } => format!(
                        "write what `{model}` costs as its `price` in config.yaml and start a new run, or \
                         limit tokens instead and `{resume}`"
                    ),
                    Exceeded::Limit { .. } => format!("`{resume}`"),
                };
                self.retract_attempt();
                self.pause(format!("{exceeded}; {remedy}"), out);
            }
        }
    }

    /// Pauses in the midst of a conversation, which a resume goes on with.
    pub(super) fn pause_talk(&mut self, talk: Box<Conversation>, reason: String, out: &mut Vec<Command>) {
        record(Event::RunPaused { reason: reason.clone() }, out);
        self.phase = Phase::Paused { reason, talk: Some(talk) };
    }

    /// Counts what a reply has cost.
    pub(super) fn count_reply(&mut self, talk: &Conversation, reply: &ModelReply) {
        let (sum, usage) = (&mut self.usage, &reply.usage);
        sum.input_tokens = sum.input_tokens.saturating_add(usage.input_tokens);
        sum.output_tokens = sum.output_tokens.saturating_add(usage.output_tokens);
        sum.cached_tokens = sum.cached_tokens.saturating_add(usage.cached_tokens);
        sum.cache_write_tokens = sum.cache_write_tokens.saturating_add(usage.cache_write_tokens);
        let model = self.start.models.of_stage(talk.edits);
        let spent = model.spent(usage, talk.asked.0, reply.estimated_tokens(model.vocabulary));
        self.spent.add(spent);
        self.spent_since_resume.add(spent);
    }

    /// A call that broke off may have been paid for to the last token.
    pub(super) fn count_failure(&mut self, talk: &Conversation, error: &ModelError) {
        if error.may_have_cost() {
            let spent = self.start.models.of_stage(talk.edits).at_most(talk.asked.0, talk.asked.1);
            self.spent.add(spent);
            self.spent_since_resume.add(spent);
        }
    }

    /// The most tokens of a context pack: what the user allows, cut to what the smallest window
    /// of the run's models and the limit of one call leave beside everything else. Also says
    /// what it was cut to, when it was.
    pub(in crate::run) fn pack_limit(&self) -> (usize, Option<String>) {
        let wanted = self.start.context_tokens_max;
        // Counted as the pack is, so that what the one leaves the other may take.
        let vocabulary = self.start.models.vocabulary();
        let rules = vocabulary.count(&prompt::system(true)) as u64;
        let fixed = tokens_of_actions(&ActionKind::ALL, vocabulary) + rules;
        let Limit { tokens: call, .. } = self.budget.call;
        let call = call.map(|tokens| (room(tokens, None, fixed), "the limit of one call".to_owned()));
        let windows = self.start.models.all().filter_map(|model| {
            let tokens = room(model.window_tokens?, Some(model), fixed);
            Some((tokens, format!("the window of `{}`", model.name)))
        });
        let narrowest = windows.chain(call).min_by_key(|(tokens, _)| *tokens);
        match narrowest {
            Some((tokens, cause)) if tokens < wanted as u64 => {
                (usize::try_from(tokens).unwrap_or(wanted), Some(cause))
            }
            _ => (wanted, None),
        }
    }
}

/// The texts of a message. Blocks that a provider has signed are returned as they came.
fn texts_of(message: &mut Message) -> Vec<&mut String> {
    match message {
        Message::User { text } => vec![text],
        Message::Results { results } => results.iter_mut().map(|result| &mut result.text).collect(),
        Message::Model { reply } => {
            let calls = reply.tool_calls.iter_mut().map(|call| &mut call.arguments);
            std::iter::once(&mut reply.text).chain(calls).collect()
        }
    }
}

/// What is left of a window for a pack.
fn room(window_tokens: u64, model: Option<&ChosenModel>, fixed: u64) -> u64 {
    let percent = |share: u64| window_tokens / 100 * share;
    let reply = percent(WINDOW_REPLY_PERCENT);
    let reply = model.map_or(reply, |model| reply.min(u64::from(model.output_ceiling())));
    window_tokens.saturating_sub(reply + percent(WINDOW_TALK_PERCENT)).saturating_sub(fixed)
}
