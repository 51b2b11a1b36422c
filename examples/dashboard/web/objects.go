package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the page needs of Kubernetes' objects.

type metadata struct {
	Name              string
	Namespace         string
	UID               string
	CreationTimestamp time.Time
	DeletionTimestamp *time.Time
	Labels            map[string]string
}

type node struct {
	Metadata metadata
	Spec     struct{ Unschedulable bool }
	Status   struct {
		Conditions []struct{ Type, Status string }
		Addresses  []struct{ Type, Address string }
		NodeInfo   struct{ KubeletVersion, Architecture, OSImage string }
	}
}

type pod struct {
	Metadata metadata
	Spec     struct{ NodeName string }
	Status   struct {
		Phase             string
		Reason            string
		PodIP             string
		ContainerStatuses []containerStatus
	}
}

type containerStatus struct {
	Ready        bool
	RestartCount int
	State        struct {
		Waiting    *struct{ Reason string }
		Terminated *struct{ Reason string }
	}
}

// state is a word for the reader, and whether all is well.
type state struct {
	Word string
	Good bool
}

func (n node) state() state {
	for _, condition := range n.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			if n.Spec.Unschedulable {
				return state{"Ready, cordoned", false}
			}
			return state{"Ready", true}
		}
	}
	return state{"Not ready", false}
}

func (n node) roles() string {
	const prefix = "node-role.kubernetes.io/"
	roles := []string{}
	for label := range n.Metadata.Labels {
		if role, found := strings.CutPrefix(label, prefix); found {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		return "worker"
	}
	slices.Sort(roles)
	return strings.Join(roles, ", ")
}

func (n node) address() string {
	for _, address := range n.Status.Addresses {
		if address.Type == "InternalIP" {
			return address.Address
		}
	}
	return ""
}

func (p pod) state() state {
	if p.Metadata.DeletionTimestamp != nil {
		return state{"Terminating", false}
	}
	for _, container := range p.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil && waiting.Reason != "" {
			return state{waiting.Reason, false}
		}
	}
	switch {
	case p.Status.Phase == "Succeeded":
		return state{"Completed", true}
	case p.Status.Phase == "Running" && p.ready():
		return state{"Running", true}
	case p.Status.Phase == "Running":
		return state{"Not ready", false}
	case p.Status.Reason != "":
		return state{p.Status.Reason, false}
	}
	return state{p.Status.Phase, false}
}

func (p pod) ready() bool {
	for _, container := range p.Status.ContainerStatuses {
		if !container.Ready {
			return false
		}
	}
	return true
}

func (p pod) restarts() int {
	restarts := 0
	for _, container := range p.Status.ContainerStatuses {
		restarts += container.RestartCount
	}
	return restarts
}

// age rounds down to one unit, as kubectl does.
func age(since, now time.Time) string {
	switch passed := now.Sub(since); {
	case passed < 0:
		return "0s"
	case passed < 2*time.Minute:
		return fmt.Sprintf("%ds", int(passed.Seconds()))
	case passed < 2*time.Hour:
		return fmt.Sprintf("%dm", int(passed.Minutes()))
	case passed < 48*time.Hour:
		return fmt.Sprintf("%dh", int(passed.Hours()))
	default:
		return fmt.Sprintf("%dd", int(passed.Hours()/24))
	}
}
