"""What may be asked of each endpoint: names and values are those of the command line."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from figureground.errors import FiguregroundError
from figureground.imaging.compose import Background, Fit, plain
from figureground.runtime.alpha import Edges
from figureground.runtime.options import Metadata, Options

Format = Literal["png", "webp", "jpeg", "avif"]
Container = Literal["mp4", "mov", "mkv", "webm", "gif"]
FILE = {"type": "string", "format": "binary"}


class RequestError(FiguregroundError):
    """A request that cannot be answered as it is."""


def plain_background(spec: str) -> Background:
    """What goes behind where no picture was uploaded. Raises RequestError; above all, no path is read."""
    behind = plain(spec)
    if behind is None:
        raise RequestError(
            f"the background {spec[:50]!r} is none of: transparent, blur, a colour such as white, #00ff00 "
            "or rgb(0,255,0); a picture, or a video for a video, is uploaded as the file `background`"
        )
    return behind


class Cutout(BaseModel):
    """/v1/cutout and /v1/mask."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="name of a model in /v1/models; empty: the first for people"
    )
    background: str = Field(
        default="transparent",
        description="transparent, blur or a colour; a picture is uploaded instead",
    )
    edges: Edges = Field(
        default="fine",
        description="drawn along the photo's own; hair: solved for, slow; fast: just enlarged",
    )
    flip: bool = Field(
        default=False,
        description="the network sees the mirror image too: better, in twice its time",
    )
    keep: str = Field(
        default="all", description="all, largest, centre, box=x0,y0,x1,y1 or point=x,y in pixels"
    )
    drop_specks: float = Field(
        default=0, ge=0, le=1, description="leave out what is below this share of the photo"
    )
    require_person: bool = Field(default=False, description="a photo of nobody is an error")
    threshold: float = Field(
        default=0, ge=0, le=1, description="hard edges, from this alpha on; 0: soft"
    )
    fill_holes: float = Field(
        default=0, ge=0, le=1, description="fill holes of at most this share of the photo"
    )
    grow: int = Field(default=0, ge=0, le=100, description="move the edge outwards, pixels")
    shrink: int = Field(default=0, ge=0, le=100, description="move it inwards, after grow, pixels")
    feather: float = Field(default=0, ge=0, le=100, description="soften it, pixels")
    no_foreground: bool = Field(
        default=False, description="leave the old background's colours in soft edges"
    )
    background_fit: Fit = Field(default="fill", description="of an uploaded picture")
    background_position: str = Field(
        default="centre",
        description="which part of it stays: centre, top-left, ..., or x,y, 0 to 1",
    )
    shadow: float = Field(default=0, ge=0, le=1, description="how dark a shadow it casts")
    crop: bool = Field(default=False, description="cut the picture to what is shown")
    margin: float = Field(
        default=0, ge=0, le=10, description="left about it by crop, as a share of its longer side"
    )
    size: str = Field(default="", description="WIDTHxHEIGHT, or the longest side, in pixels")
    mask: bool = Field(default=False, description="the alpha itself, white where people are")
    trimap: int = Field(
        default=0,
        ge=0,
        le=100,
        description="it as 0, 128, 255, unsure this many pixels about the edge",
    )
    format: Format = "png"
    quality: int = Field(default=92, ge=1, le=100, description="of JPEG, WebP and AVIF")
    depth: int = Field(default=8, description="8, or 16 bits of alpha, in PNG")
    metadata: Metadata = Field(
        default="keep", description="or strip: the photo's profile, EXIF, dpi"
    )

    def asked(self) -> Options:
        """The same as runtime options. Raises ImageError."""
        return Options.chosen({**self.model_dump(), "foreground": not self.no_foreground})


class Video(BaseModel):
    """/v1/video."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="name of a model in /v1/models; empty: the first for people"
    )
    background: str = Field(
        default="blur",
        description="blur, transparent or a colour; a picture or another video is uploaded instead",
    )
    mask: bool = Field(default=False, description="the alpha itself, white where people are")
    edges: Literal["fine", "fast"] = Field(
        default="fine", description="drawn along the picture's own, or just enlarged"
    )
    foreground: bool = Field(
        default=False, description="give soft edges the person's own colours; slow"
    )
    steady: Literal["motion", "none"] = Field(
        default="motion", description="motion: less flicker; none: each frame by itself"
    )
    crf: int = Field(
        default=-1, ge=-1, le=63, description="of H.264 (0 to 51) or VP9 (0 to 63); -1: good"
    )
    format: Container = Field(default="mp4", description="transparent: mov, mkv, webm or gif")


class Parse(BaseModel):
    """/v1/parse."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="name of a model in /v1/models for semantic-segmentation"
    )
    labels: bool = Field(
        default=False, description="class numbers (grey PNG), not colours over the photo"
    )
    flip: bool = Field(
        default=False,
        description="the network sees the mirror image too: better, in twice its time",
    )
    json_: bool = Field(
        default=False, alias="json", description="the share of each class, and no picture"
    )


class Embed(BaseModel):
    """/v1/embed."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(
        default="", description="name of a model in /v1/models for re-identification"
    )


NAMES = "only these, separated by commas; one that has a comma in quotes"


class Search(BaseModel):
    """/v1/search."""

    model_config = ConfigDict(extra="forbid")
    top: int = Field(default=10, ge=1, le=1000)
    people: Literal["crop", "photo"] = "crop"
    rerank: int = Field(default=0, ge=0, le=1000)
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    camera: str = Field(default="", description=NAMES)
    not_camera: str = ""
    tag: str = ""
    since: str = Field(default="", description="such as 2026-11-21T08:30 (UTC)")
    until: str = ""


class Add(BaseModel):
    """/v1/gallery, to add."""

    model_config = ConfigDict(extra="forbid")
    people: Literal["crop", "photo"] = Field(
        default="crop",
        description="it shows one person from side to side, or people are looked for",
    )
    camera: str = Field(default="", max_length=200)
    person: str = Field(default="", max_length=200)
    tag: str = Field(default="", max_length=200)
    time: str = Field(default="", description="when seen, such as 2026-11-21T08:30 (UTC)")
    no_thumbnails: bool = Field(default=False, description="keep no picture of them")


class Forget(BaseModel):
    """/v1/gallery, to forget; all that is given must hold."""

    model_config = ConfigDict(extra="forbid")
    image: str = Field(default="", description="as the answer to adding it says")
    camera: str = Field(default="", description=NAMES)
    person: str = Field(default="", description=NAMES)
    tag: str = Field(default="", description=NAMES)
    since: str = Field(default="", description="such as 2026-11-21T08:30 (UTC)")
    until: str = ""
    older_than: str = Field(default="", description="an age: 12h, 30d, 4w, 1y")
    everybody: bool = False


class Remove(BaseModel):
    """/api/remove, as rembg's: what it has for matting is accepted, and needs nothing here."""

    model: str = ""
    om: bool = Field(default=False, description="only the mask")
    bgc: str = Field(default="", description="background colour: r,g,b,a")

    def cutout(self, names: list[str]) -> Cutout:
        """The same asked our way. names: of the models that there are."""
        model = self.model
        if model and model not in names and f"rembg/{model}" in names:
            model = f"rembg/{model}"
        background = "transparent"
        if self.bgc:
            parts = self.bgc.split(",")
            if len(parts) != 4 or not all(p.isascii() and p.isdigit() for p in parts):
                raise RequestError(f"bgc is {self.bgc!r}; expected r,g,b,a, each 0 to 255")
            if parts[3] == "255":
                background = f"rgb({','.join(parts[:3])})"
            elif parts[3] != "0":
                raise RequestError(f"bgc is {self.bgc!r}; expected a (the last) to be 0 or 255")
        return Cutout(model=model, mask=self.om, background=background)


def parsed(kind: type[BaseModel], values: dict[str, str]) -> Any:
    """values as `kind`; RequestError says which is wrong, and what was expected."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(map(str, wrong["loc"]))
        if wrong["type"] == "extra_forbidden":
            known = ", ".join(field.alias or key for key, field in kind.model_fields.items())
            raise RequestError(
                f"there is no option {name[:50]!r}; expected {known}, and the photo as `file`"
            ) from None
        message = wrong["msg"][0].lower() + wrong["msg"][1:]
        raise RequestError(f"{name} is {values.get(name, '')[:50]!r}: {message}") from None


def described(kind: type[BaseModel], *files: str, url: bool = False) -> dict[str, Any]:
    """For OpenAPI: the options as parts of a form, beside the files; or in the query, the photo raw."""
    options = kind.model_json_schema().get("properties", {})
    address = {"url": {"type": "string", "description": "https address of the photo, instead"}}
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": entry}
        for name, entry in (options | (address if url else {})).items()
    ]
    if not files:
        return {"parameters": parameters}
    form = {
        "type": "object",
        "properties": {**{name: FILE for name in files}, **options},
        "required": ["file"],
    }
    return {
        "parameters": parameters,
        "requestBody": {
            "required": not url,
            "content": {"multipart/form-data": {"schema": form}, "image/*": {"schema": FILE}},
        },
    }
