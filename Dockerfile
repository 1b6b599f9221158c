# One of the project's programs on a base without a shell. The build's context holds the program and nothing else.
ARG BASE
FROM ${BASE}
ARG PROGRAM
COPY ${PROGRAM} /usr/local/bin/
USER 65532:65532
