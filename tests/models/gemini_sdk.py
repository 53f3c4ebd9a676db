"""Says to a local socket, through Google's own package, what it is told on standard input: one
JSON object with `base_url`, `key`, `model` and either

- `conversation`: system, tools, turns and a limit in plain words, built into the package's
  types here, or
- `bodies`: request bodies, each read strictly into the package's types and sent again.

What the package puts on the wire is the business of whoever listens there.
"""

import json
import sys

from google import genai
from google.genai import errors, types

told = json.load(sys.stdin)
client = genai.Client(
    api_key=told["key"],
    http_options=types.HttpOptions(base_url=told["base_url"], api_version="v1beta"),
)


def say(contents, config):
    """The listener refuses everything; it has heard it all the same."""
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    stream = client.models.generate_content_stream(model=told["model"], contents=contents, config=config)
    try:
        for _ in stream:
            sys.exit("the listener was expected to refuse")
    except errors.ClientError as error:
        if error.code != 400:
            raise


def turn(said):
    if "user" in said:
        return types.UserContent(parts=[types.Part.from_text(text=said["user"])])
    if "results" in said:
        parts = []
        for result in said["results"]:
            answer = types.FunctionResponse(
                id=result["id"], name=result["name"], response={result["as"]: result["text"]}
            )
            parts.append(types.Part(function_response=answer))
        if "then" in said:
            parts.append(types.Part.from_text(text=said["then"]))
        return types.UserContent(parts=parts)
    parts = [types.Part.from_text(text=said["model"])] if said["model"] else []
    for call in said["calls"]:
        call = types.FunctionCall(id=call["id"], name=call["name"], args=call["args"])
        parts.append(types.Part(function_call=call))
    return types.ModelContent(parts=parts)


def converse(conversation):
    functions = [
        types.FunctionDeclaration(
            name=tool["name"], description=tool["description"], parameters_json_schema=tool["schema"]
        )
        for tool in conversation["tools"]
    ]
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
    config = types.GenerateContentConfig(
        system_instruction=types.Content(parts=[types.Part.from_text(text=conversation["system"])]),
        tools=[types.Tool(function_declarations=functions)],
        tool_config=types.ToolConfig(function_calling_config=calling),
        max_output_tokens=conversation["output_tokens_max"],
    )
    say([turn(said) for said in conversation["turns"]], config)


def repeat(body):
    body = dict(body)
    contents = [types.Content.model_validate(content) for content in body.pop("contents")]
    config = body.pop("generationConfig")
    for part in ("systemInstruction", "tools", "toolConfig"):
        if part in body:
            config[part] = body.pop(part)
    if body:
        sys.exit(f"fields that this package has no place for: {sorted(body)}")
    say(contents, types.GenerateContentConfig.model_validate(config))


if "conversation" in told:
    converse(told["conversation"])
for body in told.get("bodies", []):
    repeat(body)
