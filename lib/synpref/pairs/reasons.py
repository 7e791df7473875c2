"""Why an input row is no comparison. A row gets the first reason that holds, in this order."""

from __future__ import annotations

REASONS = {
    "unreadable_row": "the line is no JSON object",
    "missing_prompt": "there is no prompt, or it is blank",
    "unreadable_prompt": "the prompt is no list of messages with a role and a text",
    "unreadable_response": "a response is no list of messages with a role and a text",
    "unknown_role": "a message has a role that is none of system, user, assistant, tool or a known alias",
    "content_not_text": "a message holds parts (images, files), not text",
    "prompt_differs": "chosen and rejected answer different prompts",
    "multiple_final_messages": "a response is more than one message",
    "missing_response": "a response is null or absent",
    "final_not_assistant": "a response is not the assistant's",
    "prompt_ends_with_assistant": "the prompt ends with an assistant's message, which the response would continue",
    "empty_response": "a response is empty or blank",
    "identical_responses": "both responses are the same text",
    "unknown_label": "the label is none of the known spellings of a, b, tie, none",
}
