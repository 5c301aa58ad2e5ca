"""Server-sent events: a name and one model as JSON a piece, each sent when it is ready.

Knows the format of the stream and not what goes through it.
"""

from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

MEDIA_TYPE = "text/event-stream"
BEAT = b": still at it\n\n"  # a comment, which keeps what lies between from closing a silent connection


def event(name: str, content: BaseModel) -> bytes:
    """JSON has its line breaks escaped, so that one line of data is all of it."""
    return f"event: {name}\ndata: {content.model_dump_json(exclude_none=name == 'error')}\n\n".encode()


def response(events: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the second is read by nginx
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers=headers)
