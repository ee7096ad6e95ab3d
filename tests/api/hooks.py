"""What Git sends is bytes: they go out as they were made."""

import schemathesis

schemathesis.serializer.alias(
    ["application/x-git-upload-pack-request", "application/x-git-receive-pack-request"],
    "application/octet-stream",
)
