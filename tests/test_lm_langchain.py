"""The LangChain adapter: an agent calls a tool through it, and messages survive the way there and back."""

import pytest
from conftest import FakeLM
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from kinject.errors import ModelError
from kinject.lm.base import Chat, Message, ToolCall, ToolSpec
from kinject.lm.langchain import ChatModel


@tool
def get_price(entity: str) -> str:
    """The price of an entity."""
    return f"{entity} costs 20.50 EUR"


def price_then_answer(chat: Chat) -> str | ToolCall:
    last = chat.messages[-1]
    return last.content if last.role == "tool" else ToolCall("get_price", {"entity": "Aldo"})


def test_an_agent_calls_a_tool_and_answers_from_its_result():
    agent = create_agent(ChatModel(FakeLM(price_then_answer)), [get_price], system_prompt="Use tools.")
    messages = agent.invoke({"messages": [("user", "What does Aldo cost?")]})["messages"]
    assert [m.type for m in messages] == ["human", "ai", "tool", "ai"]
    assert messages[-1].text == "Aldo costs 20.50 EUR"


def test_the_model_sees_the_dialogue_as_our_own_messages():
    lm = FakeLM(price_then_answer)
    create_agent(ChatModel(lm), [get_price], system_prompt="Use tools.").invoke({"messages": [("user", "Price?")]})
    call = Message("assistant", "", (ToolCall("get_price", {"entity": "Aldo"}),))
    result = Message("tool", "Aldo costs 20.50 EUR")
    assert lm.chats[-1].messages == (Message("system", "Use tools."), Message("user", "Price?"), call, result)


def test_the_model_sees_the_tools_as_schemas():
    lm = FakeLM(lambda chat: "fine")
    ChatModel(lm).bind_tools([get_price]).invoke("hello")
    parameters = {"type": "object", "properties": {"entity": {"type": "string"}}, "required": ["entity"]}
    assert lm.chats[0].tools == (ToolSpec("get_price", "The price of an entity.", parameters),)


def test_an_answer_carries_its_completion_and_its_usage():
    answer = ChatModel(FakeLM(lambda chat: "two words")).invoke("one two three")
    assert answer.usage_metadata == {"input_tokens": 3, "output_tokens": 3, "total_tokens": 6}
    assert answer.response_metadata["completion"].log_probabilities == (-0.1, -0.1, -0.1)


def test_calls_have_ids_that_repeat_with_the_dialogue():
    model = ChatModel(FakeLM(price_then_answer))
    ids = [model.invoke("price?").tool_calls[0]["id"] for _ in range(2)]
    assert ids == ["call_1_0", "call_1_0"]


def test_every_kind_of_message_is_mapped():
    lm = FakeLM(lambda chat: "ok")
    call = {"name": "f", "args": {"x": 1}, "id": "c"}
    parts = [{"type": "text", "text": "in parts"}]
    ChatModel(lm).invoke(
        [SystemMessage("s"), HumanMessage(parts), AIMessage("a", tool_calls=[call]), ToolMessage("r", tool_call_id="c")]
    )
    said = Message("assistant", "a", (ToolCall("f", {"x": 1}),))
    assert lm.chats[0].messages == (Message("system", "s"), Message("user", "in parts"), said, Message("tool", "r"))


def test_a_forced_tool_choice_and_stop_strings_are_refused():
    model = ChatModel(FakeLM(lambda chat: "ok"))
    with pytest.raises(ModelError, match="tool_choice 'any' is not supported"):
        model.bind_tools([get_price], tool_choice="any")
    with pytest.raises(ModelError, match="stop strings are not supported"):
        model.invoke("hello", stop=["\n"])


def test_results_come_in_the_order_of_their_calls():
    lm = FakeLM(lambda chat: "ok")
    calls = [{"name": "f", "args": {}, "id": id} for id in ("a", "b")]
    results = [ToolMessage("refused", tool_call_id="b"), ToolMessage("20 EUR", tool_call_id="a")]
    ChatModel(lm).invoke([HumanMessage("price?"), AIMessage("", tool_calls=calls), *results])
    assert [message.content for message in lm.chats[0].messages[2:]] == ["20 EUR", "refused"]
