# make demo: cut a person out of a real photo.  make test: lint, types, tests.
# A virtual environment in .venv is made on first use.

PYTHON ?= python3
BIN := .venv/bin
# Bytecode and one thread per process: torch imports faster and tests do not fight for cores.
export PYTHONDONTWRITEBYTECODE :=
export OMP_NUM_THREADS ?= 1

TRAININGS := train-people-large train-people train-people-u2netp train-osnet train-parts train-saliency train-shm

.PHONY: demo test test-all lint docs train-all $(TRAININGS) clean

demo: .venv/demo
	$(BIN)/figureground demo --output demo.png

test: lint
	$(BIN)/pytest -n 2

test-all: lint
	$(BIN)/pytest -m "long or not long"

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/dev
	$(BIN)/python docs/tables.py

# The shipped weights again: DATA=folder with people/, saliency/, no_people.txt, reid/; IMAGENET=weights of
# MobileNetV2 in torchvision's names. Resumable: the same command goes on. Without these three, glibc gives
# large buffers back and faults them in again at each step: 1.25 times the pictures a second on the CPU.
train-all: $(TRAININGS)
$(TRAININGS): export MALLOC_MMAP_MAX_ := 0
$(TRAININGS): export MALLOC_TRIM_THRESHOLD_ := 99999999999
$(TRAININGS): export MALLOC_TOP_PAD_ := 268435456
train-people-large: .venv/dev
	$(BIN)/figureground train refinenet-mobile/people data.root=$(DATA)/people init=$(IMAGENET) \
		--run runs/refinenet-people
	$(BIN)/figureground train refinenet-mobile/people-fine data.root=$(DATA)/people \
		init=runs/refinenet-people/best.safetensors --run runs/refinenet-people-fine
	$(BIN)/figureground train refinenet-mobile/people-long data.root=$(DATA)/people \
		init=runs/refinenet-people-fine/best.safetensors --run runs/refinenet-people-long
	$(BIN)/figureground train refinenet-mobile/people-longer data.root=$(DATA)/people \
		init=runs/refinenet-people-long/best.safetensors --run runs/refinenet-people-longer

train-people: .venv/dev
	$(BIN)/figureground train pp-humanseg-lite/people \
		data.root=$(DATA)/people --run runs/people
	$(BIN)/figureground train pp-humanseg-lite/people-fine \
		data.root=$(DATA)/people \
		init=runs/people/best.safetensors --run runs/people-fine
	$(BIN)/figureground train pp-humanseg-lite/people-last data.root=$(DATA)/people \
		init=runs/people-fine/best.safetensors --run runs/people-last
	$(BIN)/figureground train pp-humanseg-lite/people-taught data.root=$(DATA)/people \
		init=runs/people-last/best.safetensors task.teacher=runs/refinenet-people-long --run runs/people-taught
	$(BIN)/figureground train pp-humanseg-lite/people-longer data.root=$(DATA)/people \
		init=runs/people-taught/best.safetensors task.teacher=runs/refinenet-people-longer --run runs/people-longer
	$(BIN)/figureground export runs/people-longer --weights last.safetensors -o runs --name people-5
	$(BIN)/figureground export runs/people-taught -o runs --name people-4
	$(BIN)/figureground average runs/people-5.md runs/people-4.md -o runs --name people-4-5
	$(BIN)/figureground train pp-humanseg-lite/people-longest data.root=$(DATA)/people init=runs/people-4-5.md \
		task.teacher=runs/refinenet-people-longer --run runs/people-longest
	$(BIN)/figureground export runs/people-longest -o runs --name people-6
	$(BIN)/figureground average runs/people-6.md runs/people-4-5.md -o runs --name people-4-5-6
	$(BIN)/figureground average runs/people-6.md runs/people-4-5-6.md -o runs --name people-6-mean
	$(BIN)/figureground train pp-humanseg-lite/people-longest data.root=$(DATA)/people init=runs/people-6-mean.md data.seed=29 \
		'data.sizes=[[256,256],[224,320],[320,224]]' loop.max_steps=2000 \
		task.teacher=runs/refinenet-people-longer --run runs/people-again
	$(BIN)/figureground export runs/people-again --weights last.safetensors -o runs --name people-7
	$(BIN)/figureground average runs/people-7.md runs/people-6-mean.md -o runs --name people-6-7
	$(BIN)/figureground average runs/people-7.md runs/people-6-7.md -o runs --name pp-humanseg-lite

train-people-u2netp: .venv/dev
	$(BIN)/figureground train u2netp/people data.root=$(DATA)/people --run runs/u2netp-people
	$(BIN)/figureground train u2netp/people-taught data.root=$(DATA)/people task.teacher=runs/refinenet-people-long \
		init=runs/u2netp-people/best.safetensors --run runs/u2netp-people-taught
	$(BIN)/figureground train u2netp/people-longer data.root=$(DATA)/people task.teacher=runs/refinenet-people-longer \
		init=runs/u2netp-people-taught/best.safetensors --run runs/u2netp-people-longer
	$(BIN)/figureground export runs/u2netp-people-longer --weights last.safetensors -o runs --name u2netp-people-3
	$(BIN)/figureground export runs/u2netp-people-taught -o runs --name u2netp-people-2
	$(BIN)/figureground average runs/u2netp-people-3.md runs/u2netp-people-2.md -o runs --name u2netp-people-2-3
	$(BIN)/figureground train u2netp/people-longer data.root=$(DATA)/people task.teacher=runs/refinenet-people-longer \
		init=runs/u2netp-people-2-3.md data.seed=21 task.learning_rate=0.0008 loop.max_steps=450 --run runs/u2netp-people-again
	$(BIN)/figureground export runs/u2netp-people-again --weights last.safetensors -o runs --name u2netp-people-4
	$(BIN)/figureground average runs/u2netp-people-4.md runs/u2netp-people-2-3.md -o runs --name u2netp-people-mean

# DATA/reid has cuhk01/ and cuhk03/ as Market-1501 is laid out; its third set, ccp/, is made here.
train-osnet: .venv/dev
	$(BIN)/figureground train osnet-x0.25/cuhk data.root=$(DATA)/reid loop.max_steps=2000 --run runs/osnet
	$(BIN)/figureground train osnet-x0.25/cuhk-triplet data.root=$(DATA)/reid loop.max_steps=1250 \
		init=runs/osnet/last.safetensors --run runs/osnet-triplet
	$(BIN)/figureground train osnet-x0.25/cuhk-fine data.root=$(DATA)/reid \
		init=runs/osnet-triplet/last.safetensors --run runs/osnet-fine
	$(BIN)/figureground train osnet-x0.25/cuhk-last data.root=$(DATA)/reid \
		init=runs/osnet-fine/last.safetensors --run runs/osnet-last
	$(BIN)/figureground train osnet-x0.25/cuhk-long data.root=$(DATA)/reid \
		init=runs/osnet-last/last.safetensors --run runs/osnet-long
	$(BIN)/figureground train osnet-x0.25/cuhk-longer data.root=$(DATA)/reid \
		init=runs/osnet-long/last.safetensors --run runs/osnet-longer
	$(BIN)/python -m figureground.data.pasted_persons $(DATA) 400
	$(BIN)/figureground train osnet-x0.25/cuhk-pasted data.root=$(DATA)/reid \
		init=runs/osnet-longer/last.safetensors --run runs/osnet-pasted
	$(BIN)/python -m figureground.data.pasted_persons $(DATA) 803
	$(BIN)/figureground train osnet-x0.25/cuhk-all data.root=$(DATA)/reid \
		init=runs/osnet-pasted/last.safetensors --run runs/osnet-all
	$(BIN)/figureground export runs/osnet-pasted --weights last.safetensors -o runs --name osnet-7
	$(BIN)/figureground export runs/osnet-all --weights last.safetensors -o runs --name osnet-8
	$(BIN)/figureground average runs/osnet-7.md runs/osnet-8.md -o runs --name osnet-7-8
	$(BIN)/figureground train osnet-x0.25/cuhk-all data.root=$(DATA)/reid init=runs/osnet-7-8.md data.seed=13 \
		loop.max_steps=1900 --run runs/osnet-again
	$(BIN)/figureground export runs/osnet-again --weights last.safetensors -o runs --name osnet-9
	$(BIN)/figureground average runs/osnet-9.md runs/osnet-7-8.md -o runs --name osnet-plain
	$(BIN)/figureground whiten runs/osnet-plain.md $(DATA)/reid/cuhk01 $(DATA)/reid/cuhk03 -o runs --name osnet-x0.25

train-parts: .venv/dev
	$(BIN)/figureground train refinenet-mobile/parts data.root=$(DATA)/people init=$(IMAGENET) --run runs/parts

train-saliency: .venv/dev
	$(BIN)/figureground train refinenet-mobile/saliency data.root=$(DATA)/saliency init=$(IMAGENET) \
		--run runs/saliency
	$(BIN)/figureground train u2netp/saliency data.root=$(DATA)/saliency task.teacher=runs/saliency \
		init=runs/u2netp-people/best.safetensors --run runs/u2netp
	$(BIN)/figureground train u2netp/saliency-fine data.root=$(DATA)/saliency task.teacher=runs/saliency \
		init=runs/u2netp/best.safetensors --run runs/u2netp-fine
	$(BIN)/figureground train u2netp/saliency-longer data.root=$(DATA)/saliency task.teacher=runs/saliency \
		init=runs/u2netp-fine/best.safetensors --run runs/u2netp-longer
	$(BIN)/figureground train u2netp/saliency-longer data.root=$(DATA)/saliency task.teacher=runs/saliency \
		init=runs/u2netp-longer/best.safetensors data.seed=23 data.batch_size=16 task.learning_rate=0.0004 \
		task.warmup_steps=15 loop.ema=0.99 loop.max_steps=360 --run runs/u2netp-last
	$(BIN)/figureground export runs/u2netp-last --weights last.safetensors -o runs --name u2netp-4
	$(BIN)/figureground export runs/u2netp-longer -o runs --name u2netp-3
	$(BIN)/figureground average runs/u2netp-4.md runs/u2netp-3.md -o runs --name u2netp-mean
	$(BIN)/figureground train u2netp/saliency-longer data.root=$(DATA)/saliency task.teacher=runs/saliency \
		init=runs/u2netp-mean.md data.seed=31 'data.sizes=[[256,256],[224,288],[288,224]]' loop.max_steps=2000 \
		--run runs/u2netp-again

train-shm: .venv/dev
	$(BIN)/figureground train shm/people data.root=$(DATA)/people init=$(IMAGENET) --run runs/shm
	$(BIN)/figureground train shm/people-long data.root=$(DATA)/people init=runs/shm/best.safetensors --run runs/shm-long
	$(BIN)/figureground train shm/people-longer data.root=$(DATA)/people init=runs/shm-long/best.safetensors \
		--run runs/shm-longer
	$(BIN)/figureground train shm/people-things data.root=$(DATA)/people init=runs/shm-longer/best.safetensors \
		--run runs/shm-things

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml constraints/ci.txt
	$(BIN)/python -m pip install --quiet -c constraints/ci.txt -e ".[demo]"
	@touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints/ci.txt
	$(BIN)/python -m pip install --quiet -c constraints/ci.txt -e ".[dev]"
	@touch $@ .venv/demo

clean:
	rm -rf .venv demo.png runs build dist
