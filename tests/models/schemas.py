"""Prints the JSON Schemas of the request bodies of five wire APIs, made from the types of the
providers' own Python packages: one JSON object, from the wire's name to its schema.

Every object is closed: a field that the package does not know is an error.
"""

import json
import sys
from typing import Any, Optional

from anthropic.types.message_create_params import MessageCreateParamsStreaming
from google.genai import types as gemini
from ollama._types import ChatRequest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from pydantic import BaseModel, ConfigDict, TypeAdapter

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class GeminiRequest(BaseModel):
    """The package builds this body from parts and has no type for the whole."""

    model_config = ConfigDict(extra="forbid")

    contents: list[gemini.Content]
    systemInstruction: Optional[gemini.Content] = None
    tools: Optional[list[gemini.Tool]] = None
    toolConfig: Optional[gemini.ToolConfig] = None
    generationConfig: Optional[gemini.GenerationConfig] = None


def closed(schema: Any) -> Any:
    """Typed dictionaries do not say by themselves that they take no other fields."""
    if isinstance(schema, dict):
        schema = {name: closed(part) for name, part in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [closed(part) for part in schema]
    return schema


def schema_of(kind: Any) -> Any:
    return {"$schema": DIALECT, **closed(TypeAdapter(kind).json_schema(by_alias=True))}


def typed(schema: Any) -> Any:
    """Without the mappings of anything that stand beside a type."""
    if isinstance(schema, dict):
        kinds = schema.get("anyOf", [])
        if any("$ref" in kind for kind in kinds):
            anything = {"type": "object", "additionalProperties": True}
            schema = {**schema, "anyOf": [kind for kind in kinds if kind != anything]}
        return {name: typed(part) for name, part in schema.items()}
    return [typed(part) for part in schema] if isinstance(schema, list) else schema


def ollama_schema() -> Any:
    """The one deviation: the package's type of a tool's parameters knows only a few keywords of
    JSON Schema and drops the rest, while the server takes what it is given. Whatever is a JSON
    Schema of an object is taken there, and nowhere else.

    Where the package takes its own type or any mapping, its own type is demanded.
    """
    schema = typed(schema_of(ChatRequest))
    narrow = schema["$defs"].pop("Parameters")
    if set(narrow["properties"]) != {"type", "$defs", "items", "required", "properties"}:
        sys.exit("the package's type of a tool's parameters has changed; look at ollama_schema")
    schema["$defs"]["Parameters"] = {
        "allOf": [{"$ref": DIALECT}],
        "properties": {"type": {"const": "object"}},
        "required": ["type", "properties"],
    }
    return schema


json.dump(
    {
        "anthropic_messages": schema_of(MessageCreateParamsStreaming),
        "openai_chat": schema_of(CompletionCreateParamsStreaming),
        "openai_responses": schema_of(ResponseCreateParamsStreaming),
        "gemini": schema_of(GeminiRequest),
        "ollama": ollama_schema(),
    },
    sys.stdout,
)
