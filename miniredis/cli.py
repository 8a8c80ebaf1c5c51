"""``python -m miniredis``: redis-server's command line.

    miniredis [/path/to/redis.conf] [--directive value ...] [-]

The last ``-`` reads more of the config from standard input. Every directive of redis.conf is an option; beyond them
there are only ``--emulate`` and ``--seed``. One line on standard output says that, and where, clients can connect; all
else is logged. What stops the server from starting is one line on standard error and exit code 1.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import miniredis.commands  # noqa: F401  the engine knows the commands that are imported
from miniredis import __version__
from miniredis.engine.config import Config, ConfigError
from miniredis.engine.config_file import ConfigFileError, command_line_as_text, load_config, read_config_file
from miniredis.engine.engine import Engine
from miniredis.engine.master import follow_as_configured
from miniredis.engine.version import DEFAULT_VERSION, VERSIONS, ServerVersion, version_named
from miniredis.rdb import RdbError
from miniredis.server import ListenError, Server
from miniredis.server.log import LEVELS, log_to, logger

USAGE: Final = f"""\
Usage: miniredis [/path/to/redis.conf] [options] [-]
       miniredis - (read config from stdin)
       miniredis -v or --version
       miniredis -h or --help

Every directive of redis.conf is an option: --port 7777, --requirepass secret, --save "".
Beyond them there are:
       --emulate {"|".join(VERSIONS)}
                 which server to be (default: {DEFAULT_VERSION.name})
       --seed NUMBER
                 makes everything random repeatable

Examples:
       miniredis (listens on 127.0.0.1:6379)
       miniredis --port 0 (takes a free port and prints it)
       miniredis --port 0 --unixsocket /tmp/redis.sock (no TCP; neither with --tls-port)
       echo 'requirepass secret' | miniredis -
       miniredis /etc/redis/6379.conf --loglevel verbose
"""


_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


class UsageError(Exception):
    """A command line that makes no server; the message says why, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a server as *arguments* (default: the process's own) say, until it is told to stop. Returns the exit code."""
    options = list(sys.argv[1:] if arguments is None else arguments)
    if options in (["-v"], ["--version"]):
        print(f"miniredis v={__version__} emulating {', '.join(VERSIONS)}")
        return 0
    if options in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    try:
        asyncio.run(_serve(_new_engine(options)))
    except (UsageError, ListenError, ConfigError) as error:
        print(f"miniredis: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before it was ready
        return 0
    return 0


# The command line


def _new_engine(options: list[str]) -> Engine:
    """The engine that the command line *options* describe. Raises :class:`UsageError` or :class:`ConfigError`."""
    emulate, seed = _take(options, "--emulate"), _take(options, "--seed")
    config = Config(_version(emulate))
    config.bind = ("127.0.0.1", "-::1")  # redis-server listens on every address
    _configure(config, options)
    engine = Engine(config.version, config, _seed(seed))
    follow_as_configured(engine)
    return engine


def _take(options: list[str], name: str) -> str | None:
    """Take the option *name* and its value out of *options*."""
    value = None
    while name in options:
        position = options.index(name)
        if position + 1 == len(options):
            raise UsageError(f"{name} needs a value")
        value = options[position + 1]
        del options[position : position + 2]
    return value


def _version(name: str | None) -> ServerVersion:
    try:
        return DEFAULT_VERSION if name is None else version_named(name)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _seed(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise UsageError(f"--seed takes an integer, not '{text}'") from None


def _configure(config: Config, options: list[str]) -> None:
    """Set what the config file, standard input and the command line say, in this order, as redis-server does."""
    if options and not options[0].startswith("-"):
        path = options.pop(0)
        _load(config, read_config_file(path), path)
        config.file = os.path.abspath(path)
    if "-" in (options[:1] + options[-1:]):
        options.pop(0 if options[0] == "-" else -1)
        _load(config, sys.stdin.read(), "standard input")
    if options:
        if not options[0].startswith("--"):
            raise UsageError(f"'{options[0]}' is no option: options begin with --, see --help")
        _load(config, command_line_as_text(options), "")


def _load(config: Config, text: str, origin: str) -> None:
    try:
        load_config(config, text)
    except ConfigFileError as error:
        place = f"{origin}, line {error.number}: " if origin else "--"
        raise UsageError(f"{place}{error.line}: {error}") from None


# The server


async def _serve(engine: Engine) -> None:
    """Run until a signal or SHUTDOWN says stop."""
    config = engine.config
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as Redis: a terminal that is closed does not end it
    try:
        log = log_to(config.logfile, config.loglevel)
    except OSError as error:
        raise UsageError(f"Can't open the log file: {error.strerror}: {config.logfile}") from None
    _load_dataset(engine)
    if not config.bind and not config.unixsocket:
        raise UsageError("Configured to not listen anywhere, exiting.")
    server = Server(engine, owns_loop=True, takes_free_port=not config.unixsocket)
    config.on_change("loglevel", lambda: logger.setLevel(LEVELS[config.loglevel]))
    config.on_change("appendonly", lambda: _warn_of_no_append_only_file(config))
    try:
        await server.start()
        config.port = server.port or config.port  # which that is from then on, for CONFIG GET and REWRITE
        engine.persistence.watch_save_points()
        _stop_on_signals(server)
        _print_or_not(f"miniredis as {engine.version.name}, ready on {server.url}")
        if config.daemonize:
            logger.warning("daemonize is ignored: miniredis stays in the foreground")
        _warn_of_no_append_only_file(config)
        logger.info("Ready to accept connections")
        await server.wait_stopped()
        _disregard_signals()
        logger.info("Bye bye...")
    finally:
        logger.removeHandler(log)
        log.close()


def _warn_of_no_append_only_file(config: Config) -> None:
    if config.appendonly:
        logger.warning("appendonly is remembered only: there is no append-only file, neither read nor written")


def _load_dataset(engine: Engine) -> None:
    """Begin with what is in the RDB file, if there is one. Raises :class:`UsageError`."""
    path = engine.persistence.path
    try:
        engine.persistence.load()
    except RdbError as error:
        raise UsageError(f"Fatal error loading the DB: {path}: {error}") from None
    except OSError as error:
        raise UsageError(f"Fatal error loading the DB: {path}: {error.strerror}") from None


def _print_or_not(line: str) -> None:
    """Print *line*, for whoever still reads it: a server does not end because nobody does."""
    try:
        print(line, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  what could not be written would be tried again at the end


def _stop_on_signals(server: Server) -> None:
    """Let SIGINT and SIGTERM end *server* as SHUTDOWN does, with the options that ``shutdown-on-sigint`` and
    ``shutdown-on-sigterm`` have at that moment."""
    loop, engine = server.loop, server.engine

    def stop(number: int) -> None:
        config = engine.config
        if not server.is_running:
            return
        options = config.shutdown_on_sigint if number == signal.SIGINT else config.shutdown_on_sigterm
        if engine.persistence.save_before_end(options):
            server.begin_stop()
        else:
            logger.warning("Error trying to save the DB, can't exit.")

    for number in _ENDING:
        try:
            loop.add_signal_handler(number, stop, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(stop, number))


def _disregard_signals() -> None:
    """The server has stopped, and the process ends with exit code 0 whatever signal may come yet: an event loop that
    is closed puts back what a signal does by itself, which is to kill."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
