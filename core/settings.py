"""Every setting, typed and documented; from the environment or `.streamlit/secrets.toml`.

A setting NAME is read from the environment variable CARTSCAPE_NAME, else from the key
`cartscape_name` in `.streamlit/secrets.toml`, else takes its default.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SECRETS_FILE = Path(".streamlit/secrets.toml")


class Settings(BaseSettings):
    """The settings of one installation."""

    model_config = SettingsConfigDict(env_prefix="CARTSCAPE_", extra="ignore")

    home: Path = Field(Path.home() / ".cartscape", description="Folder that holds the stores and the secret.")
    secret: SecretStr | None = Field(
        None,
        description="Key of the pseudonyms. Where it is not given, one is made at first start "
        "and kept in HOME/secret, readable by its owner alone.",
    )
    k_anonymity: int = Field(
        10,
        ge=1,
        description="A group with fewer distinct shoppers than this is not shown. "
        "A sample store always uses 1, as its shoppers are imaginary.",
    )
    memory_limit: str = Field("1500MB", description="Most memory DuckDB may take before it spills to disk.")
    warm: bool = Field(
        True, description="Whether a server compiles its loops in the background, before a page needs them."
    )
    threads: int | None = Field(
        None, ge=1, description="Threads for queries; all cores where it is not given."
    )

    model: str = Field(
        "",
        description="Encoder of texts: a folder, or a name in Hugging Face's local cache; empty for the "
        "one that comes along (all-MiniLM-L6-v2, English).",
    )
    device: str = Field(
        "auto", description="Where texts are encoded: auto (the fastest there is), cuda, mps or cpu."
    )
    precision: str = Field(
        "auto",
        description="How precisely: auto (bf16 where device or processor have it), bf16, fp16, fp32, or int8 "
        "(CPU alone).",
    )
    vectors_mb: int = Field(
        4000, ge=1, description="Most MiB of vectors kept in HOME/vectors; the longest unused go first."
    )

    api_rate: float = Field(
        100,
        gt=0,
        description="Calls a second that each key may make of one server's API, two seconds' worth at once.",
    )
    api_body_kb: int = Field(1024, ge=1, description="Largest body of a call of the API, in KiB.")
    api_warm: str = Field(
        "",
        description="Names of stores, with commas, whose models a server opens as it starts, "
        "so that the first call finds them open.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Constructor first, then the environment, then the secrets file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _PrefixedToml(settings_cls, SECRETS_FILE)


class _PrefixedToml(TomlConfigSettingsSource):
    """Keys `cartscape_*` of a TOML file that other programs write to as well."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        prefix = "cartscape_"
        read = super()._read_file(file_path)
        return {k[len(prefix) :]: v for k, v in read.items() if k.startswith(prefix)}


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
